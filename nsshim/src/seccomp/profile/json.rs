//! Values of a JSON file that know where in it they are.

#![forbid(unsafe_code)]

use serde_json::{Map, Value};

/// What is wrong with the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Where, as in `syscalls[3].args[0].op`; empty for the whole.
    pub place: String,
    /// What is wrong there.
    pub what: String,
    /// What would be right.
    pub remedy: String,
}

impl Mistake {
    /// Something wrong.
    pub(super) fn new(place: String, what: String) -> Self {
        Self { place, what, remedy: String::new() }
    }

    /// Adds what would be right.
    pub(super) fn try_this(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = remedy.into();
        self
    }
}

/// An object of the file.
#[derive(Debug, Clone)]
pub(super) struct Object<'a> {
    map: &'a Map<String, Value>,
    /// Where it is.
    pub place: String,
}

impl<'a> Object<'a> {
    pub fn of(value: &'a Value, place: &str) -> Result<Self, Mistake> {
        let map = value.as_object().ok_or_else(|| wrong(place.into(), value, "an object"))?;
        Ok(Self { map, place: place.into() })
    }

    /// The place of a key.
    pub fn at(&self, key: &str) -> String {
        if self.place.is_empty() { key.into() } else { format!("{}.{key}", self.place) }
    }

    pub fn keys(&self) -> impl Iterator<Item = &'a str> {
        self.map.keys().map(String::as_str)
    }

    /// A value that is there and not null.
    fn get(&self, key: &str) -> Option<&'a Value> {
        self.map.get(key).filter(|value| !value.is_null())
    }

    pub fn object(&self, key: &str) -> Result<Option<Object<'a>>, Mistake> {
        self.get(key).map(|value| Object::of(value, &self.at(key))).transpose()
    }

    /// A string; an empty one is none, as where Go writes the file.
    pub fn string(&self, key: &str) -> Result<Option<&'a str>, Mistake> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let text = value.as_str().ok_or_else(|| wrong(self.at(key), value, "a string"))?;
        Ok(Some(text).filter(|text| !text.is_empty()))
    }

    pub fn number(&self, key: &str) -> Result<Option<u64>, Mistake> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let number = value.as_u64();
        number.map(Some).ok_or_else(|| wrong(self.at(key), value, "a whole number of 64 bits"))
    }

    fn array(&self, key: &str) -> Result<&'a [Value], Mistake> {
        let Some(value) = self.get(key) else { return Ok(&[]) };
        let array = value.as_array().ok_or_else(|| wrong(self.at(key), value, "a list"))?;
        Ok(array)
    }

    pub fn objects(&self, key: &str) -> Result<Vec<Object<'a>>, Mistake> {
        let place = |index| format!("{}[{index}]", self.at(key));
        let values = self.array(key)?.iter().enumerate();
        values.map(|(index, value)| Object::of(value, &place(index))).collect()
    }

    pub fn strings(&self, key: &str) -> Result<Vec<&'a str>, Mistake> {
        let place = |index| format!("{}[{index}]", self.at(key));
        let text = |(index, value): (usize, &'a Value)| {
            value.as_str().ok_or_else(|| wrong(place(index), value, "a string"))
        };
        self.array(key)?.iter().enumerate().map(text).collect()
    }
}

fn wrong(place: String, value: &Value, wanted: &str) -> Mistake {
    let found = match value {
        Value::Null => "null".into(),
        Value::Object(_) => "an object".into(),
        Value::Array(_) => "a list".into(),
        other => other.to_string(),
    };
    Mistake::new(place, format!("{found} is not {wanted}")).try_this(wanted)
}
