//! The namespaces of the machine: seeing them.

mod enter;
mod explained;
mod fixture;
mod found;
mod shown;
