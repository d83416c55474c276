//! Finds the numbers of a folded text.

use super::{
    Quantity, Sort, scaled,
    tokens::{Shape, Tokens},
    vocabulary::{loose_number, magnitude, month, number_word, unit, zeros},
};

/// The numbers that a claim states.
pub(crate) fn quantities(folded: &str) -> Vec<Quantity> {
    read(folded, false)
}

/// The numbers that a source gives: also `both` for two, and in `5 to 10 MB` the unit of either.
pub(crate) fn quantities_of_source(folded: &str) -> Vec<Quantity> {
    read(folded, true)
}

/// Names made of letters and digits, such as `UTF-16`, in lower case and without hyphens.
pub(crate) fn identifiers(folded: &str) -> Vec<String> {
    let tokens = Tokens::of(folded);
    let found = (0..tokens.len()).filter(|at| tokens.is_number(*at)).filter_map(|at| identifier(&tokens, at));
    found.collect()
}

fn read(folded: &str, source: bool) -> Vec<Quantity> {
    let tokens = Tokens::of(folded);
    let mut reader = Reader { folded, tokens: &tokens, source, at: 0, found: Vec::new() };
    while reader.at < tokens.len() {
        let next = reader.step();
        reader.at = next.max(reader.at + 1);
    }
    reader.found
}

/// The identifier that the number at `at` ends: letters stand right before it, or capitals and a hyphen.
fn identifier(tokens: &Tokens<'_>, at: usize) -> Option<String> {
    let number = tokens.get(at)?;
    let before = at.checked_sub(1)?;
    if !tokens.touches(before) {
        return None;
    }
    let token = tokens.get(before)?;
    if token.shape == Shape::Word {
        let version = token.lower == "v" || number.text.contains('.');
        return (!version).then(|| format!("{}{}", token.lower, number.text));
    }
    let letters = before.checked_sub(1).and_then(|i| tokens.get(i))?;
    let hyphen = token.text == "-" && letters.shape == Shape::Word && tokens.touches(before - 1);
    let capitals =
        letters.text.chars().any(char::is_uppercase) && !number.text.contains('.') && number.text.len() < 4;
    (hyphen && capitals).then(|| format!("{}{}", letters.lower, number.text))
}

struct Reader<'t, 'a> {
    folded: &'a str,
    tokens: &'t Tokens<'a>,
    source: bool,
    at: usize,
    found: Vec<Quantity>,
}

impl Reader<'_, '_> {
    /// Reads what begins at the current token and returns the index behind it.
    fn step(&mut self) -> usize {
        let at = self.at;
        if self.tokens.is_number(at) {
            return if identifier(self.tokens, at).is_some() { at + 1 } else { self.number(at) };
        }
        let Some(word) = self.tokens.word(at) else { return at + 1 };
        if let Some(number) = number_word(word) {
            return self.number_word(at, number);
        }
        if matches!(word, "a" | "an") && self.tokens.word(at + 1).is_some_and(|w| zeros(w).is_some()) {
            return self.measured(at, at + 1, "1", true);
        }
        if magnitude(word) {
            let value = word.to_owned();
            self.push(at, at + 1, Sort::Magnitude, value, None, true);
        } else if let Some((number, sure)) = month(word) {
            self.month(at, number, sure);
        } else if let Some(value) = loose_number(word).filter(|_| self.source) {
            let counted = self.tokens.counted(at + 1);
            self.push(at, at + 1, Sort::Count, value.to_owned(), None, false);
            self.count_last(counted);
        }
        at + 1
    }

    fn month(&mut self, at: usize, number: usize, sure: bool) {
        let capital = self.tokens.get(at).is_some_and(|t| t.text.starts_with(char::is_uppercase));
        let skip = usize::from(self.tokens.is_sign(at + 1, "."));
        let near = self.tokens.is_number(at + 1 + skip)
            || at.checked_sub(1).is_some_and(|i| self.tokens.is_number(i));
        let after_in = self
            .tokens
            .before(at)
            .is_some_and(|t| matches!(t.lower.as_str(), "in" | "since" | "until" | "of" | "by"));
        let full = self.tokens.word(at).is_some_and(|w| w.len() > 3 || w == "may");
        if capital && (near || sure || (full && after_in && number != 8) || (full && after_in && self.source))
        {
            self.push(at, at + 1, Sort::Month, format!("m{number}"), None, true);
        }
    }

    fn number_word(&mut self, at: usize, number: u32) -> usize {
        let ones = self.tokens.word(at + 2).and_then(number_word).filter(|n| *n < 10);
        let joined =
            number >= 20 && self.tokens.is_sign(at + 1, "-") && self.tokens.touches(at) && ones.is_some();
        let (value, after) = if joined { (number + ones.unwrap_or(0), at + 3) } else { (number, at + 1) };
        self.measured(at, after, &value.to_string(), value > 1)
    }

    /// A number in digits, with what belongs to it before and behind.
    fn number(&mut self, at: usize) -> usize {
        if let Some(after) = self.iso_date(at) {
            return after;
        }
        let text = self.tokens.get(at).map_or("", |t| t.text);
        let plain = thousands(text);
        if plain.contains([':', ',']) || plain.matches('.').count() > 1 {
            self.push(at, at + 1, Sort::Label, plain, None, true);
            return at + 1;
        }
        let tail = if self.tokens.touches(at) { self.tokens.word(at + 1) } else { None };
        match tail {
            Some("st" | "nd" | "rd" | "th") => {
                let value = format!("{plain}th");
                let unit = self.tokens.word(at + 2).and_then(unit).filter(|u| *u == "century");
                self.push(at, at + 2, Sort::Label, value, unit.map(str::to_owned), true);
                at + 2
            }
            Some("s") if plain.len() == 4 => {
                self.push(at, at + 2, Sort::Label, format!("{plain}s"), None, true);
                at + 2
            }
            _ => self.measured(at, at + 1, &plain, true),
        }
    }

    fn iso_date(&mut self, at: usize) -> Option<usize> {
        let part = |i: usize, len: usize| {
            self.tokens
                .get(i)
                .filter(|t| {
                    t.shape == Shape::Number
                        && t.text.len() == len
                        && t.text.bytes().all(|b| b.is_ascii_digit())
                })
                .map(|t| t.text)
        };
        let joined = (at..at + 4).all(|i| self.tokens.touches(i))
            && self.tokens.is_sign(at + 1, "-")
            && self.tokens.is_sign(at + 3, "-");
        let (year, month, day) = (part(at, 4)?, part(at + 2, 2)?, part(at + 4, 2)?);
        if !joined {
            return None;
        }
        let parts = [
            (Sort::Year, year.to_owned()),
            (Sort::Month, format!("m{}", scaled(month, 0))),
            (Sort::Label, scaled(day, 0)),
        ];
        for (sort, value) in parts {
            self.push(at, at + 5, sort, value, None, true);
        }
        Some(at + 5)
    }

    /// A number that ends before token `after`, with its multiplier and its unit.
    fn measured(&mut self, from: usize, mut after: usize, number: &str, required: bool) -> usize {
        let money = self.tokens.currency(from);
        let mut power = 0;
        let short = |w: &str| match w {
            "k" => Some(3),
            "m" | "mn" => Some(6),
            "b" | "bn" => Some(9),
            _ => None,
        };
        while let Some(more) =
            self.tokens.word(after).and_then(|w| zeros(w).or_else(|| money.as_ref().and_then(|_| short(w))))
        {
            power += more;
            after += 1;
        }
        let value = format!("{}{}", if self.tokens.negative(from) { "-" } else { "" }, scaled(number, power));
        let (unit, after) = match money {
            Some(unit) => (Some(unit), after),
            None => self.tokens.unit(after),
        };
        let digits = self.tokens.is_number(from)
            && power == 0
            && unit.is_none()
            && number.len() == 4
            && !number.contains('.');
        let year = digits
            && ("1000"..="2199").contains(&number)
            && self.tokens.get(from).is_some_and(|t| t.text.len() == 4);
        let label = unit.is_none() && power == 0 && self.tokens.behind_name(from);
        let sort = if year {
            Sort::Year
        } else if label {
            Sort::Label
        } else {
            Sort::Count
        };
        let required = required || unit.is_some() || power > 0;
        let counted =
            if sort == Sort::Count && unit.is_none() { self.tokens.counted(after) } else { Vec::new() };
        self.spread(unit.as_ref());
        self.push(from, after, sort, value, unit, required);
        self.count_last(counted);
        after
    }

    /// In `5 to 10 MB` of a source the first number has the unit of the second as well.
    fn spread(&mut self, unit: Option<&String>) {
        let Some(unit) = unit.filter(|_| self.source) else { return };
        let Some(link) = self.tokens.before(self.at).map(|t| t.lower.as_str()) else { return };
        let between = || (0..self.at).rev().take(4).any(|i| self.tokens.word(i) == Some("between"));
        let before = matches!(link, "-" | "to" | "or" | "through") || (link == "and" && between());
        if let Some(last) =
            self.found.last().filter(|q| before && q.unit.is_none() && q.sort != Sort::Month).cloned()
        {
            self.found.push(Quantity { unit: Some(unit.clone()), ..last });
        }
    }

    fn push(
        &mut self,
        from: usize,
        to: usize,
        sort: Sort,
        value: String,
        unit: Option<String>,
        required: bool,
    ) {
        let start = self.tokens.get(from).map_or(0, |t| t.range.start);
        let end = self.tokens.get(to.saturating_sub(1)).map_or(start, |t| t.range.end);
        let shown = self.folded.get(start..end.max(start)).unwrap_or_default().to_owned();
        self.found.push(Quantity { sort, value, unit, counted: Vec::new(), shown, required });
    }

    fn count_last(&mut self, counted: Vec<String>) {
        if let Some(last) = self.found.last_mut() {
            last.counted = counted;
        }
    }
}

/// A number without separators of thousands; decimals lose needless zeros.
fn thousands(text: &str) -> String {
    let whole = text.split('.').next().unwrap_or_default();
    let mut groups = whole.split(',');
    let first = groups.next().unwrap_or_default();
    let rest: Vec<&str> = groups.collect();
    let grouped = !rest.is_empty() && first.len() <= 3 && rest.iter().all(|g| g.len() == 3);
    let plain = if grouped { text.replace(',', "") } else { text.to_owned() };
    let decimal = plain.matches('.').count() <= 1 && !plain.contains([',', ':']);
    if decimal { scaled(&plain, 0) } else { plain }
}
