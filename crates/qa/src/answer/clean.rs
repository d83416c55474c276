//! Takes from a model's answer what is not the answer.

use crate::patterns::{Pattern, pattern};

static THINKING: Pattern =
    Pattern::new(|| pattern(r"(?is)<(?:think|thinking|reasoning)>.*?</(?:think|thinking|reasoning)>"));
/// The tokens that chat templates are made of.
static SPECIAL: Pattern = Pattern::new(|| {
    pattern(
        r"(?i)<\|[^|<>\n]{1,40}\|>|</s>\s*\z|\A\s*<s>|\[/?INST\]|<</?SYS>>|<(?:start|end)_of_(?:turn|text)>|<(?:bos|eos|pad|unk)>|<｜[^｜<>\n]{1,60}｜>",
    )
});
static ROLE: Pattern = Pattern::new(|| {
    pattern(
        r"(?i)^(?:\*\*|#+\s*)?(?:assistant|user|system|human|ai|bot|model|answer|response|output|rewritten(?: sentence)?|rewrite|rewording|paraphrase|sentence|paragraph|section)\s*(?:\*\*)?:(?:\*\*)?\s*",
    )
});
static OPENER: Pattern = Pattern::new(|| {
    pattern(concat!(
        r"(?i)^(?:(?:sure|certainly|of course|absolutely|okay|ok|great|definitely|no problem|understood|got it)\b(?: thing)?[,.!:]*\s*)*",
        r"(?:(?:here(?:['’]s| is| are)|below (?:is|are)|the following (?:is|are)|this is|i(?:['’]ve| have) (?:written|rewritten|revised|prepared|drafted)|i(?:['’]d be| am) (?:happy|glad))\b[^\n:]{0,120}:[ \t]*)"
    ))
});
/// `Sure!` and the like, alone.
static NOD: Pattern = Pattern::new(|| {
    pattern(
        r"(?i)^(?:sure|certainly|of course|absolutely|okay|ok|great|definitely|no problem|understood|got it)(?: thing)?(?:[!.:]+|,\s*i can[^\n.!:]{0,60}[.!:])(?:\s+|$)",
    )
});
static CLOSER: Pattern = Pattern::new(|| {
    pattern(concat!(
        r"(?i)\n\s*(?:let me know (?:if|whether|what)|i hope (?:this|that)|hope this helps|feel free to|please (?:let me know|feel free)|",
        r"is there anything else|would you like (?:me )?|if you (?:need|want|would like|have) [^\n]{0,40}(?:let me know|feel free|just ask))[^\n]*\s*$"
    ))
});
static FENCE: Pattern = Pattern::new(|| pattern(r"(?s)^(?:```|~~~)[\w+-]*[ \t]*\n(.*?)\n?(?:```|~~~)?$"));

/// How often the peeling starts over; each layer of talk around an answer takes one round.
const ROUNDS: usize = 6;

/// The answer alone: without thinking blocks, special tokens, role labels, talk before and after it, and
/// without a code fence or quotation marks around the whole.
#[must_use]
pub fn clean_answer(answer: &str) -> String {
    let text = without_thinking(answer);
    let mut text = SPECIAL.replace_all(&text, "").trim().to_owned();
    for _ in 0..ROUNDS {
        let next = peel(&text);
        if next == text {
            break;
        }
        text = next;
    }
    text
}

fn without_thinking(answer: &str) -> String {
    let text = THINKING.replace_all(answer, "").into_owned();
    let lower = text.to_ascii_lowercase();
    // A block whose beginning was in the prompt, and one that the token limit cut off.
    if let Some(at) = lower.rfind("</think>") {
        return text[at + "</think>".len()..].to_owned();
    }
    match lower.find("<think>") {
        Some(at) => text[..at].to_owned(),
        None => text,
    }
}

fn peel(text: &str) -> String {
    let mut text = text.trim();
    if let Some(inside) = FENCE.captures(text).and_then(|c| c.get(1)).filter(|m| !m.as_str().contains("```"))
    {
        text = inside.as_str().trim();
    }
    for opener in [&ROLE, &OPENER, &NOD] {
        if let Some(found) = opener.find(text) {
            text = text[found.end()..].trim_start();
        }
    }
    if let Some(found) = CLOSER.find(text) {
        text = text[..found.start()].trim_end();
    }
    unquoted(text).trim().to_owned()
}

/// Without one pair of quotation marks around the whole.
fn unquoted(text: &str) -> &str {
    for (open, close) in [('"', '"'), ('“', '”'), ('\'', '\''), ('«', '»')] {
        let inside = text.strip_prefix(open).and_then(|t| t.strip_suffix(close));
        if let Some(inside) = inside.filter(|t| !t.contains([open, close])) {
            return inside;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_is_left() {
        let want = "SQLite is small. [S1]";
        for answer in [
            "SQLite is small. [S1]",
            "  \n SQLite is small. [S1]\n",
            "Sure! Here is the section:\n\nSQLite is small. [S1]",
            "Certainly, here's a rewritten sentence: SQLite is small. [S1]",
            "Here are the sentences:\nSQLite is small. [S1]\n\nLet me know if you need more!",
            "Sure!\nSQLite is small. [S1]",
            "```markdown\nSQLite is small. [S1]\n```",
            "```\nSQLite is small. [S1]",
            "“SQLite is small. [S1]”",
            "\"SQLite is small. [S1]\"",
            "Assistant: SQLite is small. [S1]<|im_end|>",
            "<think>\nHm. Sure!\n</think>\n\nSQLite is small. [S1]</s>",
            "so I think\n</think>SQLite is small. [S1]",
            "**Answer:** SQLite is small. [S1]",
            "Okay. Here is the answer:\n```text\n\"SQLite is small. [S1]\"\n```\nI hope this helps!",
        ] {
            assert_eq!(clean_answer(answer), want, "{answer}");
        }
        for untouched in [
            "Here is where SQLite differs. It has no server.",
            "“One,” he said, and “two”",
            "The answer: it depends.",
            "Sure enough, it worked.",
            "Great databases are small.",
        ] {
            assert_eq!(clean_answer(untouched), untouched);
        }
        assert_eq!(clean_answer("<think>and so on"), "");
        assert_eq!(clean_answer(""), "");
    }
}
