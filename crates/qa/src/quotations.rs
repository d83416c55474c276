//! Where text stands inside double quotation marks.

use std::ops::Range;

/// What the quotation marks of a text enclose.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Quotations {
    /// The byte ranges between the marks.
    pub(crate) inside: Vec<Range<usize>>,
    /// The first mark without a partner.
    pub(crate) unpaired: Option<Range<usize>>,
}

/// The quotations of a text. A mark after a digit and outside a quotation stands for inches; marks inside a
/// quotation belong to it.
pub(crate) fn quotations(text: &str) -> Quotations {
    let mut found = Quotations::default();
    let chars: Vec<(usize, char)> = text.char_indices().collect();
    let mut at = 0;
    while let Some((offset, c)) = chars.get(at).copied() {
        let before = at.checked_sub(1).and_then(|i| chars.get(i)).map(|(_, c)| *c);
        let inches = c == '"' && before.is_some_and(|b| b.is_ascii_digit());
        match c {
            '“' | '„' | '«' | '"' if !inches => match close(&chars, at) {
                Some(end) => {
                    found.inside.push(offset + c.len_utf8()..chars[end].0);
                    at = end;
                }
                None => note(&mut found, offset, c),
            },
            '”' | '»' => note(&mut found, offset, c),
            _ => {}
        }
        at += 1;
    }
    found
}

fn note(found: &mut Quotations, offset: usize, c: char) {
    found.unpaired.get_or_insert(offset..offset + c.len_utf8());
}

/// The index of the mark that closes the one at `open`.
fn close(chars: &[(usize, char)], open: usize) -> Option<usize> {
    let mark = chars[open].1;
    let closers: &[char] = match mark {
        '“' => &['”'],
        '„' => &['“', '”'],
        '«' => &['»'],
        _ => &['"'],
    };
    let mut depth = 0usize;
    for (index, (_, c)) in chars.iter().enumerate().skip(open + 1) {
        if closers.contains(c) {
            if depth == 0 {
                return Some(index);
            }
            depth -= 1;
        } else if *c == mark && mark != '"' {
            depth += 1;
        }
    }
    // Some writers open with a curly mark and close with a straight one.
    let straight = |(i, (_, c)): (usize, &(usize, char))| (*c == '"').then_some(i);
    if mark == '“' { chars.iter().enumerate().skip(open + 1).find_map(straight) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_found_and_strays_are_named() {
        let read = |t: &'static str| {
            let q = quotations(t);
            (q.inside.into_iter().map(|r| &t[r]).collect::<Vec<_>>(), q.unpaired.is_some())
        };
        for (text, inside, stray) in [
            ("He said “one. two.” and \"three\".", vec!["one. two.", "three"], false),
            ("A 3.5\" disk and a 5\" one.", vec![], false),
            ("He said “one.", vec![], true),
            ("He said one.”", vec![], true),
            ("„so“ and «so»", vec!["so", "so"], false),
            ("“a “b” c”", vec!["a “b” c"], false),
            ("“mixed\" marks", vec!["mixed"], false),
            ("It's Ann's ‘thing’.", vec![], false),
        ] {
            assert_eq!(read(text), (inside, stray), "{text}");
        }
    }
}
