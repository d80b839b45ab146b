//! The namespaces of the machine: seeing them.

mod can;
mod drawn;
mod enter;
mod enter_others;
mod explained;
mod fixture;
mod found;
mod shown;
mod watched;
