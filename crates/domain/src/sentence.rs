//! Sentences of plain prose, by the rules of Unicode (UAX #29) with English abbreviations mended.

use unicode_segmentation::UnicodeSegmentation;

use crate::Span;

/// Words that end with a full stop inside a sentence.
const ABBREVIATIONS: [&str; 26] = [
    "e.g.", "i.e.", "etc.", "vs.", "cf.", "approx.", "mr.", "mrs.", "ms.", "dr.", "prof.", "st.", "no.",
    "fig.", "inc.", "ltd.", "co.", "corp.", "jr.", "sr.", "al.", "ed.", "vol.", "pp.", "u.s.", "dept.",
];

/// The byte ranges of a text's sentences, in order, without the white space around them.
///
/// A blank line always ends a sentence. A boundary after an abbreviation, after a single initial
/// (`D. Richard Hipp`), or before a word in lower case is not one.
#[must_use]
pub fn sentences(text: &str) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    let mut open: Option<usize> = None;
    for (offset, piece) in text.split_sentence_bound_indices() {
        let start = open.unwrap_or(offset);
        let end = offset + piece.len();
        if continues(&text[start..end], &text[end..]) {
            open = Some(start);
        } else {
            push_paragraphs(text, start, end, &mut spans);
            open = None;
        }
    }
    if let Some(start) = open {
        push_paragraphs(text, start, text.len(), &mut spans);
    }
    spans
}

/// How many words a text has (UAX #29 words that hold a letter or a digit).
#[must_use]
pub fn word_count(text: &str) -> usize {
    text.unicode_words().count()
}

fn continues(sentence: &str, rest: &str) -> bool {
    let trimmed = sentence.trim_end();
    if trimmed.len() != sentence.len() && sentence[trimmed.len()..].contains('\n') {
        // A line's end is kept as a boundary only where the sentence is finished or the line is the last of its paragraph.
        let blank = sentence[trimmed.len()..].matches('\n').count() > 1;
        let finished = trimmed.ends_with(['.', '!', '?', ':', '"', '”', ')', ']', '*', '`']);
        if blank || rest.trim_start_matches([' ', '\t']).starts_with('\n') {
            return false;
        }
        if !finished {
            return !starts_block(rest);
        }
        if starts_block(rest) {
            return false;
        }
    }
    let Some(next) = rest.trim_start().chars().next() else { return false };
    if next.is_lowercase() && trimmed.ends_with('.') {
        return true;
    }
    let last = trimmed.rsplit([' ', '\n', '(', '"', '“']).next().unwrap_or_default();
    let lower = last.to_lowercase();
    let initial =
        last.len() == 2 && last.starts_with(|c: char| c.is_ascii_uppercase()) && last.ends_with('.');
    (initial && last != "I.")
        || (ABBREVIATIONS.contains(&lower.as_str()) && !matches!(lower.as_str(), "etc." | "no."))
}

/// Whether a line begins a list item, a heading or a quotation rather than going on with a sentence.
fn starts_block(rest: &str) -> bool {
    let line = rest.trim_start();
    line.starts_with(['-', '*', '#', '>', '|', '+', '•']) || {
        let digits = line.chars().take_while(char::is_ascii_digit).count();
        digits > 0 && line[digits..].starts_with(['.', ')'])
    }
}

fn push_paragraphs(text: &str, start: usize, end: usize, spans: &mut Vec<Span>) {
    let mut from = start;
    for part in text[start..end].split("\n\n") {
        let lead = part.len() - part.trim_start().len();
        let trimmed = part.trim();
        if !trimmed.is_empty() {
            spans.push(Span { start: from + lead, end: from + lead + trimmed.len() });
        }
        from += part.len() + 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<&str> {
        sentences(text).into_iter().map(|s| &text[s.start..s.end]).collect()
    }

    #[test]
    fn plain_sentences() {
        assert_eq!(
            split("SQLite is small. It is fast!  Is it? Yes."),
            ["SQLite is small.", "It is fast!", "Is it?", "Yes."]
        );
    }

    #[test]
    fn abbreviations_initials_versions_and_numbers_do_not_end_one() {
        let text =
            "D. Richard Hipp wrote it, e.g. In 2000, for the U.S. Navy. Version 3.46.1 is 1.5 times faster.";
        assert_eq!(
            split(text),
            [
                "D. Richard Hipp wrote it, e.g. In 2000, for the U.S. Navy.",
                "Version 3.46.1 is 1.5 times faster."
            ]
        );
    }

    #[test]
    fn wrapped_lines_belong_together_and_blank_lines_and_list_items_part() {
        let text = "A database that\nfits in a file.\n\nHeading\n\n- one thing\n- another thing";
        assert_eq!(
            split(text),
            ["A database that\nfits in a file.", "Heading", "- one thing", "- another thing"]
        );
    }

    #[test]
    fn spans_cover_every_letter_and_stay_in_order() {
        let text = "One. Two? Three!\n\nFour — “five.” Six (seven.) Eight";
        let spans = sentences(text);
        assert!(spans.windows(2).all(|w| w[0].end <= w[1].start));
        let kept: String = spans.iter().map(|s| &text[s.start..s.end]).collect();
        let squeeze = |t: &str| t.chars().filter(|c| !c.is_whitespace()).collect::<String>();
        assert_eq!(squeeze(&kept), squeeze(text));
    }
}
