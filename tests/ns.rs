//! The namespaces of the machine: seeing them.

mod explained;
mod fixture;
mod found;
mod shown;
