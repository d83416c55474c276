//! One spelling for what reads the same: quotation marks, dashes, spaces and compatibility characters.

use unicode_normalization::UnicodeNormalization;

/// The text with Unicode NFKC applied, every quotation mark as `'`, every dash as `-`, every run of white
/// space as one space, and invisible characters taken out.
pub(crate) fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in join_thousands(text).nfkc() {
        match c {
            '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' => {}
            '“' | '”' | '„' | '‟' | '«' | '»' | '″' | '"' | '‘' | '’' | '‚' | '‛' | '′' | '`' => {
                out.push('\'')
            }
            '\u{2010}'..='\u{2015}' | '−' => out.push('-'),
            c if c.is_whitespace() => {
                if !out.ends_with(' ') {
                    out.push(' ');
                }
            }
            c => out.push(c),
        }
    }
    out.trim().to_owned()
}

/// [`fold`] in lower case.
pub(crate) fn fold_lower(text: &str) -> String {
    fold(text).to_lowercase()
}

/// `2 000` with a no-break or thin space is one number.
fn join_thousands(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let digit = |at: usize| chars.get(at).is_some_and(char::is_ascii_digit);
    let mut out = String::with_capacity(text.len());
    for (at, c) in chars.iter().enumerate() {
        let thin = matches!(c, '\u{a0}' | '\u{202f}' | '\u{2009}');
        let group = thin
            && at > 0
            && digit(at - 1)
            && digit(at + 1)
            && digit(at + 2)
            && digit(at + 3)
            && !digit(at + 4);
        if !group {
            out.push(*c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_reads_the_same_becomes_the_same() {
        assert_eq!(fold("“It’s  ﬁne” –\u{a0}2\u{202f}000"), "'It's fine' - 2000");
        assert_eq!(fold("so\u{ad}ft \"x\""), "soft 'x'");
    }
}
