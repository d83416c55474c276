//! Which sentences state something that needs a source.

use crate::{
    patterns::{Pattern, pattern},
    plain::plain,
    words::{content_words, tokens, written},
};

/// Talk to the reader that states nothing.
static GREETING: Pattern = Pattern::new(|| {
    pattern(
        r"(?i)^(?:hello|hi|hey|welcome|greetings|thanks|thank you|good (?:morning|afternoon|evening|day)|congratulations|happy \w+|enjoy|cheers|stay tuned|read on)\b",
    )
});
/// What only leads from one part of a text to the next.
static TRANSITION: Pattern = Pattern::new(|| {
    pattern(concat!(
        r"(?i)^(?:(?:and|but|so|now|next|first|second|then|finally|before that|after that|with that(?: said| in mind)?),?\s+)?",
        r"(?:let(?:'s|’s| us| me)\b|",
        r"in (?:this|the (?:next|following|previous|last)) (?:article|post|section|guide|part|chapter|tutorial|piece|text)s?,? (?:we|you|i|let)\b|",
        r"(?:this|the (?:next|following)) (?:article|post|section|guide|part|chapter|tutorial|piece|text)s? (?:will |shall |now |also )?(?:looks?|explores?|discuss(?:es)?|covers?|explains?|shows?|describes?|introduces?|examines?|walks?|turns?|is about)\b|",
        r"we (?:will|shall|now|can now|are going to|’ll|'ll) (?:now |then |first )?(?:look|explore|discuss|cover|explain|see|examine|walk|turn|move|start|begin|return)\b|",
        r"here (?:is|are) (?:why|how|what|the|some|a few)\b|that (?:brings|leads) us to\b|that (?:is|was) (?:all|it)\b|",
        r"(?:more|much more) on (?:this|that)\b|(?:on|back|over) to\b|what follows\b|so far,? so good\b)"
    ))
});
/// A clause that states something inside a transition.
static STATES: Pattern =
    Pattern::new(|| pattern(r"(?i)\b(?:that|because|since|which|who|where|whereas)\s+\w+\s+\w+"));
/// A finite verb that is common enough to tell a sentence from a heading.
static VERB: Pattern = Pattern::new(|| {
    pattern(concat!(
        r"(?i)\b(?:is|are|was|were|be|been|am|has|have|had|do|does|did|can|could|will|would|shall|should|may|might|must|",
        r"(?:isn|aren|wasn|weren|hasn|haven|hadn|don|doesn|didn|couldn|wouldn|shouldn)['’]t|can['’]t|won['’]t|it['’]s|that['’]s|",
        r"became|began|came|gave|got|grew|held|kept|knew|led|made|met|ran|said|says|sold|stood|took|went|won|wrote|",
        r"needs?|uses|makes|gives|takes|runs|keeps|allows|means|works|stores|reads|writes|contains|supports|provides|includes|requires|becomes|comes|goes)\b|\b[a-z]{3,}ed\b"
    ))
});

/// The most words of a greeting or a transition.
const MAX_TALK: usize = 25;

/// Whether a sentence states something that a source should support. Questions, headings and other
/// fragments, greetings and mere transitions do not. When in doubt, it does.
#[must_use]
pub fn is_factual(text: &str) -> bool {
    let text = plain(text);
    let text = text.trim();
    let words = tokens(text);
    let content = content_words(text);
    let numbers = words.iter().filter(|w| w.starts_with(|c: char| c.is_numeric())).count();
    if content.is_empty() && numbers == 0 {
        return false;
    }
    if question(text) {
        return false;
    }
    if !text.chars().any(char::is_alphabetic) {
        return false;
    }
    if !ended(text) && !VERB.is_match(text) {
        // A fragment: a heading or an item of a list. With a number in it, it still states something.
        return numbers > 0 && words.len() >= 4;
    }
    !(numbers == 0 && talk(text, words.len(), &content))
}

/// A question asks; only "Did you know that" tells.
fn question(text: &str) -> bool {
    let open = text.trim_end_matches(['"', '”', '’', '\'', ')', '*']);
    open.ends_with('?') && !text.to_lowercase().starts_with("did you know") && !text.contains(". ")
}

fn ended(text: &str) -> bool {
    text.trim_end_matches(['"', '”', '’', '\'', ')', ']', '*']).ends_with(['.', '!', '…', ';', '。', '！'])
}

fn talk(text: &str, words: usize, content: &[String]) -> bool {
    let quotes = text.contains(['“', '"', '«']);
    if quotes || words > MAX_TALK || STATES.is_match(text) {
        return false;
    }
    let greeting = GREETING.is_match(text) && words <= 12 && !VERB.is_match(text);
    // "So far, so good!", "Yes, really." and the like: nothing but function words and one more.
    let hollow = content.len() <= 1 && words <= 4 && !VERB.is_match(text) && names(text) == 0;
    greeting || hollow || TRANSITION.is_match(text)
}

/// Words with a capital that do not open the sentence.
fn names(text: &str) -> usize {
    written(text).iter().skip(1).filter(|w| w.starts_with(char::is_uppercase) && w.as_str() != "I").count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_told_from_talk() {
        for text in [
            "SQLite is a small library.",
            "It works without a server.",
            "Hipp wrote it.",
            "In 2000, a new database appeared.",
            "Did you know that SQLite was written in 1995?",
            "Founded in 1995 in the city of Berlin",
            "**Fast** reads need an index. [S1]",
            "“SQLite is small.” — *Title*",
            "In this article we show that SQLite was bought by Oracle.",
            "Here is why SQLite was sold in 2004.",
            "SQLite has three modes:",
        ] {
            assert!(is_factual(text), "{text}");
        }
        for text in [
            "What is SQLite?",
            "The History of SQLite",
            "Key takeaways",
            "## Why it matters",
            "Let us look at the history.",
            "In this section, we will look at how it works.",
            "Hello everyone!",
            "Welcome to our guide to SQLite.",
            "Thank you for reading.",
            "Now, let’s turn to backups.",
            "That is all.",
            "Here is how.",
            "So far, so good.",
            "",
            "—",
            "***",
        ] {
            assert!(!is_factual(text), "{text}");
        }
    }
}
