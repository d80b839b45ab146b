//! `--filter`: comparisons of columns, joined.
//!
//! ```text
//!  either  = both ("||" both)*
//!  both    = one ("&&" one)*
//!  one     = "!" one | "(" either ")" | COLUMN OPERATOR VALUE
//! ```

use super::columns::{Cell, Cells, Column};
use crate::error::Error;
use crate::scan::Namespace;

/// What must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    /// One of them.
    Either(Vec<Filter>),
    /// All of them.
    Both(Vec<Filter>),
    /// It does not hold.
    Not(Box<Filter>),
    /// A column compared with a value.
    Compare(Column, Operator, String),
}

/// How it is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `=`
    Equal,
    /// `!=`
    Unequal,
    /// `~`
    Contains,
    /// `!~`
    Lacks,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    More,
    /// `>=`
    AtLeast,
}

impl Operator {
    /// Whether it asks which of two numbers is the larger.
    fn orders(self) -> bool {
        matches!(self, Operator::Less | Operator::AtMost | Operator::More | Operator::AtLeast)
    }
}

/// The longer first.
const OPERATORS: [(&str, Operator); 9] = [
    ("==", Operator::Equal),
    ("!=", Operator::Unequal),
    ("!~", Operator::Lacks),
    ("<=", Operator::AtMost),
    (">=", Operator::AtLeast),
    ("=", Operator::Equal),
    ("~", Operator::Contains),
    ("<", Operator::Less),
    (">", Operator::More),
];

/// Nobody writes deeper ones, and the parser must not run out of stack.
const MAX_DEPTH: usize = 64;

impl Filter {
    /// Reads it.
    pub fn parse(text: &str) -> Result<Filter, Error> {
        let mut parser = Parser { rest: text, depth: 0 };
        let why = match parser.either() {
            Ok(filter) if parser.rest.trim().is_empty() => return Ok(filter),
            Ok(_) => format!("{:?} is too much", parser.rest.trim()),
            Err(why) => why,
        };
        Err(Error::new(format!("cannot read --filter {}: {why}", crate::error::shown(text)))
            .try_this("COLUMN=TEXT, != ~ !~ < <= > >=, joined by && and ||; nsctl ns ls --help"))
    }

    /// Whether it holds.
    pub fn lets(&self, namespace: &Namespace, cells: &Cells<'_>) -> bool {
        match self {
            Filter::Either(filters) => filters.iter().any(|filter| filter.lets(namespace, cells)),
            Filter::Both(filters) => filters.iter().all(|filter| filter.lets(namespace, cells)),
            Filter::Not(filter) => !filter.lets(namespace, cells),
            Filter::Compare(column, operator, value) => {
                holds(&cells.get(namespace, *column), *operator, value)
            }
        }
    }
}

fn holds(cell: &Cell, operator: Operator, value: &str) -> bool {
    let text = cell.some().unwrap_or_default();
    let numbers = || match (cell, value.parse::<u64>()) {
        (Cell::Number(number), Ok(value)) => Some(number.cmp(&value)),
        _ => None,
    };
    match operator {
        Operator::Equal => text == value,
        Operator::Unequal => text != value,
        Operator::Contains => text.contains(value),
        Operator::Lacks => !text.contains(value),
        Operator::Less => numbers().is_some_and(std::cmp::Ordering::is_lt),
        Operator::AtMost => numbers().is_some_and(std::cmp::Ordering::is_le),
        Operator::More => numbers().is_some_and(std::cmp::Ordering::is_gt),
        Operator::AtLeast => numbers().is_some_and(std::cmp::Ordering::is_ge),
    }
}

type Why = String;

struct Parser<'a> {
    rest: &'a str,
    depth: usize,
}

impl Parser<'_> {
    fn either(&mut self) -> Result<Filter, Why> {
        let mut filters = vec![self.both()?];
        while self.take("||") {
            filters.push(self.both()?);
        }
        Ok(Filter::Either(filters))
    }

    fn both(&mut self) -> Result<Filter, Why> {
        let mut filters = vec![self.one()?];
        while self.take("&&") {
            filters.push(self.one()?);
        }
        Ok(Filter::Both(filters))
    }

    fn one(&mut self) -> Result<Filter, Why> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err("it is nested too deep".into());
        }
        let filter = if self.take("!") {
            Filter::Not(Box::new(self.one()?))
        } else if self.take("(") {
            let inner = self.either()?;
            if !self.take(")") {
                return Err("a ) is missing".into());
            }
            inner
        } else {
            self.comparison()?
        };
        self.depth -= 1;
        Ok(filter)
    }

    fn comparison(&mut self) -> Result<Filter, Why> {
        self.rest = self.rest.trim_start();
        let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        if name.is_empty() {
            return Err("a column's name is missing".into());
        }
        let column = Column::parse(name).map_err(|error| error.message)?;
        self.rest = rest;
        let operator = OPERATORS.iter().find(|(sign, _)| self.take(sign)).map(|row| row.1);
        let operator = operator.ok_or_else(|| format!("{name} is not compared with anything"))?;
        let value = self.value()?;
        if operator.orders() && !column.is_number() {
            return Err(format!("{name} is no number, and is not less or more than another"));
        }
        if operator.orders() && value.parse::<u64>().is_err() {
            return Err(format!("{name} is a number, and {value:?} is none"));
        }
        Ok(Filter::Compare(column, operator, value))
    }

    /// A word, or anything between quotes.
    fn value(&mut self) -> Result<String, Why> {
        self.rest = self.rest.trim_start();
        if let Some(quote) = self.rest.chars().next().filter(|c| matches!(c, '"' | '\'')) {
            let inner = &self.rest[1..];
            let end = inner.find(quote).ok_or_else(|| format!("a {quote} is missing"))?;
            self.rest = &inner[end + 1..];
            return Ok(inner[..end].to_string());
        }
        let end = self
            .rest
            .find(|c: char| c.is_whitespace() || matches!(c, '&' | '|' | ')'))
            .unwrap_or(self.rest.len());
        let (value, rest) = self.rest.split_at(end);
        self.rest = rest;
        Ok(value.to_string())
    }

    fn take(&mut self, sign: &str) -> bool {
        match self.rest.trim_start().strip_prefix(sign) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn and_binds_closer_than_or() {
        let Ok(Filter::Either(either)) = Filter::parse("kind=net && procs>=2||user != root") else {
            panic!("not read");
        };
        assert_eq!(either.len(), 2);
        let procs = Filter::Compare(Column::Procs, Operator::AtLeast, "2".into());
        assert!(matches!(&either[0], Filter::Both(both) if both[1] == procs));
        assert!(Filter::parse("!(type=net || cmd='a b)')").is_err(), "cmd is no column");
        assert!(Filter::parse("!(type=net || command~'a b)')").is_ok());
    }

    #[test]
    fn mistakes_are_named() {
        let deep = "(".repeat(100_000);
        for wrong in [
            "",
            "kind",
            "kind=net)",
            "(kind=net",
            "nope=1",
            "=1",
            "kind='a",
            "procs>a",
            "kind<3",
            &deep,
        ] {
            assert!(Filter::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_number_is_compared_as_one() {
        assert!(holds(&Cell::Number(10), Operator::More, "9"));
        assert!(!holds(&Cell::Empty, Operator::Less, "9"));
        assert!(holds(&Cell::Text("a\nb".into()), Operator::Contains, "\n"));
    }
}
