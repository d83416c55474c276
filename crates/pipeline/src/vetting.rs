//! Whether a title, a heading or a description that a model made up says anything that the sources do not. The checks of
//! claims are made for sentences; these are short, cite nothing, and may be written in title case.

use cofounder_domain::{Passage, Verdict};
use cofounder_qa as qa;
use std::collections::BTreeSet;

use crate::patterns::{ADDRESS, MARKUP};

/// So many letters of a word are its root, for want of a better one.
const ROOT: usize = 5;

/// What the sources and the topic say.
pub(crate) struct Vetting<'a> {
    passages: Vec<&'a Passage>,
    words: BTreeSet<String>,
    roots: BTreeSet<String>,
}

impl<'a> Vetting<'a> {
    pub(crate) fn new(topic: &str, passages: &'a [Passage]) -> Self {
        let texts =
            passages.iter().flat_map(|p| std::iter::once(&p.text).chain(&p.headings)).map(String::as_str);
        let words: BTreeSet<String> =
            texts.chain([topic]).flat_map(words).map(|w| w.to_lowercase()).collect();
        let roots = words.iter().map(|w| root(w)).collect();
        Self { passages: passages.iter().collect(), words, roots }
    }

    /// Why the line cannot stand, if it cannot.
    pub(crate) fn objection(&self, line: &str) -> Option<String> {
        if let Some(fault) = qa::answer_faults(line, "").into_iter().next() {
            return Some(fault.to_string());
        }
        if ADDRESS.is_match(line) || MARKUP.is_match(line) || line.contains(['{', '}', '<', '>', '`']) {
            return Some("it holds markup or an address".to_owned());
        }
        let strange = words(line)
            .find(|word| word.chars().any(char::is_alphabetic) && !line.is_ascii() && !self.knows(word));
        if let Some(word) = strange.or_else(|| self.unknown_name(line)) {
            return Some(format!("no source names “{word}”"));
        }
        // The numbers' check does not depend on case, and case is what a title plays with.
        let checks = qa::check_claim(&line.to_lowercase(), &self.passages, &qa::Rules::default());
        if let Some(check) = checks.iter().find(|c| c.name == "numbers" && c.verdict == Verdict::Fail) {
            return Some(check.reason.clone());
        }
        let content = qa::content_words(line);
        let known = content.iter().filter(|w| self.knows(w)).count();
        (known * 2 < content.len()).then(|| "most of its words stand in no source".to_owned())
    }

    fn knows(&self, word: &str) -> bool {
        self.roots.contains(&root(&word.to_lowercase()))
    }

    /// A name that no source has. In title case only what is a name in any case counts: `SQL`, `iPhone`.
    fn unknown_name<'w>(&self, line: &'w str) -> Option<&'w str> {
        let capital = |w: &&str| w.starts_with(|c: char| c.is_uppercase());
        let long: Vec<&str> = words(line).filter(|w| w.chars().count() > 3).collect();
        let titled = long.iter().filter(|w| capital(w)).count() * 10 >= long.len() * 6;
        let inner = |w: &str| w.chars().skip(1).any(|c| c.is_uppercase() || c.is_ascii_digit());
        let is_name = move |(at, w): &(usize, &str)| inner(w) || (*at > 0 && !titled && capital(w));
        let mut names = words(line).enumerate().filter(is_name).map(|(_, w)| w);
        names.find(|w| !self.words.contains(&w.to_lowercase()))
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty())
}

fn root(word: &str) -> String {
    word.chars().take(ROOT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use cofounder_domain::SourceId;

    fn passage(text: &str) -> Passage {
        let (source, text) = (SourceId::from_text("a"), text.to_owned());
        Passage { number: 1, source, start: 0, end: text.len(), text, headings: vec!["The tower".into()] }
    }

    #[test]
    fn a_line_says_only_what_the_sources_say() {
        let passages = [
            passage("The tower of Halden was built in 1871 from local stone."),
            passage("Its lamp was lit by a keeper."),
        ];
        let vetting = Vetting::new("The lighthouse of Halden", &passages);
        for good in [
            "How the tower was built",
            "The Stone Tower of Halden",
            "Keepers and their lamps",
            "The tower since 1871",
        ] {
            assert_eq!(vetting.objection(good), None, "{good}");
        }
        for bad in [
            "The tower since 1844",
            "How Evil Corp bought everybody",
            "The tower and Napoleon",
            "See https://evil.example now, tower",
            "The <b>tower</b>",
            "{{ tower }} of Halden",
            "Der Turm über Halden",
        ] {
            assert!(vetting.objection(bad).is_some(), "{bad}");
        }
    }
}
