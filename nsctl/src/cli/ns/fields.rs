//! What `nsctl ns ls --format` can show: its columns, by name.

use serde_json::Value;

use crate::template::Field;

macro_rules! field {
    ($name:literal, $title:literal) => {
        Field { name: $name, title: $title, value: |row| row[$name].clone() }
    };
}

/// Of the object that `--json` has for each.
pub const FIELDS: &[Field<Value>] = &[
    field!("id", "ID"),
    field!("unique", "UNIQUE"),
    field!("kind", "KIND"),
    field!("procs", "PROCS"),
    field!("pid", "PID"),
    field!("user", "USER"),
    field!("uid", "UID"),
    field!("owner", "OWNER"),
    field!("parent", "PARENT"),
    field!("depth", "DEPTH"),
    field!("container", "CONTAINER"),
    field!("hostname", "HOSTNAME"),
    field!("addresses", "ADDRESSES"),
    field!("map", "MAP"),
    field!("detail", "DETAIL"),
    field!("kept", "KEPT"),
    field!("command", "COMMAND"),
];

#[cfg(test)]
mod tests {
    use super::super::columns::Column;
    use super::*;

    #[test]
    fn every_column_is_a_field() {
        let fields: Vec<&str> = FIELDS.iter().map(|field| field.name).collect();
        let columns: Vec<&str> = Column::all().into_iter().map(Column::name).collect();
        assert_eq!(fields, columns);
    }
}
