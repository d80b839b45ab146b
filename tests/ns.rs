//! The namespaces of the machine: seeing them.

mod fixture;
mod found;
mod shown;
