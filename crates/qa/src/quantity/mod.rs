//! Numbers, dates, shares and amounts, each in one spelling: `2,000` is `2000`, `two` is `2`, `1.5 million` is
//! `1500000`, `5 megabytes` is `5 mb`, and `2000-08-17` is a year, a month and a day.

mod around;
mod extract;
mod tokens;
mod vocabulary;

pub(crate) use extract::{identifiers, quantities, quantities_of_source};
pub(crate) use vocabulary::{MONTHS, unit};

/// What sort of number it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    /// Something counted or measured.
    Count,
    /// A year.
    Year,
    /// A month of the calendar.
    Month,
    /// A version, a decimal behind a name, a time of day, an ordinal or a decade: a label more than a count.
    Label,
    /// `millions`, `thousands`.
    Magnitude,
}

/// One number of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Quantity {
    pub(crate) sort: Sort,
    /// Its value in one spelling.
    pub(crate) value: String,
    /// Its unit of measure in one spelling.
    pub(crate) unit: Option<String>,
    /// Stems of up to two words behind it, which say what is counted.
    pub(crate) counted: Vec<String>,
    /// As the text has it.
    pub(crate) shown: String,
    /// Whether a source must have it. `one` is more often a pronoun than a number.
    pub(crate) required: bool,
}

impl Quantity {
    /// Whether a number of a source says the same. A claim may leave a unit out, but not change it.
    pub(crate) fn is_given_by(&self, source: &Self) -> bool {
        self.value == source.value && (self.unit.is_none() || self.unit == source.unit)
    }
}

/// A decimal number times a power of ten, without needless zeros.
pub(crate) fn scaled(number: &str, zeros: usize) -> String {
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let padded = format!("{part:0<zeros$}");
    let (moved, rest) = padded.split_at(zeros);
    let whole = format!("{whole}{moved}");
    let whole = whole.trim_start_matches('0');
    let rest = rest.trim_end_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    if rest.is_empty() { whole.to_owned() } else { format!("{whole}.{rest}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<String> {
        quantities(text)
            .iter()
            .map(|q| format!("{}{}", q.value, q.unit.as_ref().map_or(String::new(), |u| format!(" {u}"))))
            .collect()
    }

    #[test]
    fn numbers_have_one_spelling() {
        assert_eq!(
            (scaled("1.5", 6), scaled("2.0", 0), scaled("0", 3), scaled("007", 0)),
            ("1500000".into(), "2".into(), "0".into(), "7".into())
        );
        for (text, want) in [
            ("2,000 rows and 2000 rows", vec!["2000", "2000"]),
            ("1.5 million, 3 thousand, one trillion", vec!["1500000", "3000", "1000000000000"]),
            ("a million users", vec!["1000000"]),
            ("version 3.46.1 of v2.3", vec!["3.46.1", "2.3"]),
            ("5MB, 5 megabytes, 5-megabyte", vec!["5 mb", "5 mb", "5 mb"]),
            ("10 % or 10 percent or 10 per cent", vec!["10 %", "10 %", "10 %"]),
            ("$5 and 5 dollars and US$5 million", vec!["5 usd", "5 usd", "5000000 usd"]),
            ("2000-08-17", vec!["2000", "m8", "17"]),
            ("17 August 2000", vec!["17", "m8", "2000"]),
            ("Aug. 17, 2000", vec!["m8", "17", "2000"]),
            ("it may march in August", vec![]),
            ("twelve hours, twenty-one days", vec!["12 h", "21 day"]),
            ("the 1980s and the 19th century", vec!["1980s", "19th century"]),
            ("UTF-16, FTS5, A350, x86 and B2B", vec![]),
            ("mid-2010 and 32-bit", vec!["2010", "32 bit"]),
            ("-40 degrees, minus 40 degrees", vec!["-40 degree", "-40 degree"]),
            ("thousands of rows", vec!["thousands"]),
            ("5–10 MB", vec!["5", "10 mb"]),
            ("at 12:30, 2\u{202f}000 people", vec!["12:30", "2000"]),
        ] {
            assert_eq!(read(&crate::fold::fold(text)), want, "{text}");
        }
    }

    #[test]
    fn identifiers_hold_letters_and_digits() {
        assert_eq!(
            identifiers("UTF-16, FTS5 and A350 of 2010, mid-2010, 5MB, v3.4"),
            ["utf16", "fts5", "a350"]
        );
    }
}
