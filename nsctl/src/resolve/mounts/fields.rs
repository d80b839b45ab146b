//! How a value is taken apart: colons with escapes, and lines of CSV.

/// Splits `SRC:DST:OPTIONS` at its colons. `\:` is a colon and `\\` a backslash; any
/// other backslash stands for itself.
pub fn colons(text: &[u8]) -> Vec<Vec<u8>> {
    let mut fields = vec![Vec::new()];
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        let escaped = after.first().filter(|next| byte == b'\\' && matches!(next, b':' | b'\\'));
        match (byte, escaped) {
            (_, Some(&next)) => {
                push(&mut fields, next);
                rest = &after[1..];
                continue;
            }
            (b':', _) => fields.push(Vec::new()),
            _ => push(&mut fields, byte),
        }
        rest = after;
    }
    fields
}

fn push(fields: &mut [Vec<u8>], byte: u8) {
    if let Some(last) = fields.last_mut() {
        last.push(byte);
    }
}

/// Splits a line of comma-separated values, as docker's `--mount` is read: a field that
/// begins with a double quote ends with one, and `""` in it is one. RFC 4180
///
/// # Errors
/// What is wrong with the quotes.
pub fn commas(text: &[u8]) -> Result<Vec<Vec<u8>>, &'static str> {
    let mut fields = Vec::new();
    let mut rest = text;
    loop {
        let (field, after) = match rest.strip_prefix(b"\"") {
            Some(quoted) => unquote(quoted)?,
            None => {
                let end = rest.iter().position(|&byte| byte == b',').unwrap_or(rest.len());
                let field = &rest[..end];
                if field.contains(&b'"') {
                    return Err("a double quote inside a field that does not begin with one");
                }
                (field.to_vec(), &rest[end..])
            }
        };
        fields.push(field);
        match after.split_first() {
            None => return Ok(fields),
            Some((b',', next)) => rest = next,
            Some(_) => return Err("something between a closing quote and the comma"),
        }
    }
}

/// The rest of a quoted field, and what follows its closing quote.
fn unquote(mut rest: &[u8]) -> Result<(Vec<u8>, &[u8]), &'static str> {
    let mut field = Vec::new();
    loop {
        let end = rest.iter().position(|&byte| byte == b'"').ok_or("a quote without its end")?;
        field.extend_from_slice(&rest[..end]);
        rest = &rest[end + 1..];
        match rest.strip_prefix(b"\"") {
            Some(after) => {
                field.push(b'"');
                rest = after;
            }
            None => return Ok((field, rest)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    #[test]
    fn colons_can_be_escaped() {
        for (text, fields) in [
            ("a:b", &["a", "b"][..]),
            ("a:b:ro,z", &["a", "b", "ro,z"]),
            (r"a\:b:c", &["a:b", "c"]),
            (r"a\\:c", &[r"a\", "c"]),
            (r"a\b:c\", &[r"a\b", r"c\"]),
            ("", &[""]),
            ("::", &["", "", ""]),
        ] {
            let expected: Vec<&[u8]> = fields.iter().map(|field| field.as_bytes()).collect();
            assert_eq!(colons(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn quotes_protect_commas() {
        for (text, fields) in [
            ("a,b=c,d", &["a", "b=c", "d"][..]),
            (r#"a,"src=/x,y","dst=/a ""b""",ro"#, &["a", "src=/x,y", r#"dst=/a "b""#, "ro"]),
            (r#""""#, &[""]),
            ("a,", &["a", ""]),
            (",", &["", ""]),
            ("", &[""]),
        ] {
            let expected: Vec<&[u8]> = fields.iter().map(|field| field.as_bytes()).collect();
            assert_eq!(commas(text.as_bytes()).unwrap(), expected, "{text}");
        }
        for wrong in [r#"a"b"#, r#"""a"#, r#""a"b"#, r#"src="/x,y""#, r#"a,""#, r#""a"""#] {
            assert!(commas(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }

    /// What was written with escapes is read as it was, whatever is in it.
    #[test]
    fn fields_survive_writing_and_reading() {
        for sample in samples() {
            let parts: Vec<&[u8]> = sample.split(|&byte| byte == b'\n').collect();
            let escaped = |part: &&[u8]| {
                let escape = |&byte: &u8| match byte {
                    b':' | b'\\' => vec![b'\\', byte],
                    _ => vec![byte],
                };
                part.iter().flat_map(escape).collect::<Vec<u8>>()
            };
            let line = parts.iter().map(escaped).collect::<Vec<_>>().join(&b':');
            assert_eq!(colons(&line), parts);

            let quoted = |part: &&[u8]| {
                let double = |&byte: &u8| if byte == b'"' { vec![byte; 2] } else { vec![byte] };
                let inner: Vec<u8> = part.iter().flat_map(double).collect();
                [b"\"".as_slice(), &inner, b"\""].concat()
            };
            let line = parts.iter().map(quoted).collect::<Vec<_>>().join(&b',');
            assert_eq!(commas(&line).unwrap(), parts);
            // No input makes them panic, and a line without quotes loses nothing.
            let _ = commas(&sample);
            if !sample.contains(&b'"') {
                assert_eq!(commas(&sample).unwrap().join(&b','), sample);
            }
            if !sample.contains(&b'\\') {
                assert_eq!(colons(&sample).join(&b':'), sample);
            }
        }
    }
}
