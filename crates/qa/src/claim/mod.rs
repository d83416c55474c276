//! One sentence against the passages it cites.

mod binding;
mod clauses;
mod comparison;
mod dates;
mod evidence;
mod flipped;
mod measures;
mod names;
mod numbers;
mod opposites;
mod polarity;
mod quote;
mod roles;
mod support;

use cofounder_domain::{Check, Passage, Verdict};

use crate::{fold::fold, marks::strip_citations, quotations::quotations, words::content_words};
use evidence::Evidence;

pub(crate) use quote::{missing_quotes, unpaired, verbatim};

/// What a claim is checked by.
#[derive(Clone, Debug, PartialEq)]
pub struct Rules {
    /// Names that need no evidence, such as the article's topic and the titles of its sources.
    pub allowed_names: Vec<String>,
    /// The least share of a claim's words of meaning that its passages must have, from 0 to 1.
    pub support_threshold: f32,
}

impl Default for Rules {
    fn default() -> Self {
        Self { allowed_names: Vec::new(), support_threshold: 0.6 }
    }
}

/// So many words of meaning may name a quotation's source and say that it is quoted.
const ATTRIBUTION: usize = 5;

/// The names of the checks, in the order of [`check_claim`]'s answer.
const CHECKS: [&str; 5] = ["citation", "quote", "numbers", "names", "support"];

/// Compares a sentence with the passages it cites. There are always five checks: `citation` (something is
/// cited), `quote` (what stands in double quotation marks is verbatim), `numbers` (numbers, dates, shares and
/// units), `names`, and `support` (the words of meaning, and whether claim and passage agree in what they
/// deny). A check that has nothing to look at passes.
#[must_use]
pub fn check_claim(text: &str, cited: &[&Passage], rules: &Rules) -> Vec<Check> {
    if cited.is_empty() {
        return uncited();
    }
    let text = strip_citations(text);
    let evidence = Evidence::of(cited, rules);
    let stated = without_titles(&text, rules);
    // Whole sentences of a source, word for word, say what the source says: only what stands around them is checked.
    let around =
        quote::around_whole_sentences(&stated, cited).filter(|rest| content_words(rest).len() <= ATTRIBUTION);
    let support = match &around {
        Some(_) => Ok(()),
        None => support::check(&stated, &evidence, rules),
    };
    let folded = fold(&around.unwrap_or(stated));
    let found = [
        Ok(()),
        quote::check(&text, cited),
        numbers::check(&folded, &evidence),
        names::check(&folded, &evidence),
        support,
    ];
    CHECKS.iter().zip(found).map(|(name, found)| check(name, found)).collect()
}

/// Whether every check passed. A check that was skipped is not a pass.
#[must_use]
pub fn supported(checks: &[Check]) -> bool {
    !checks.is_empty() && checks.iter().all(|c| c.verdict == Verdict::Pass)
}

/// A sentence that quotes, without the title that it names as the quotation's source: what a title says is
/// not what the sentence says.
fn without_titles(text: &str, rules: &Rules) -> String {
    let quotes = quotations(text).inside;
    let Some(first) = quotes.first().map(|q| q.start) else { return text.to_owned() };
    let last = quotes.last().map_or(first, |q| q.end);
    let drop = |part: &str| {
        let long = rules.allowed_names.iter().filter(|n| n.split_whitespace().count() > 2);
        long.fold(part.to_owned(), |part, name| part.replace(name.as_str(), "it"))
    };
    format!("{}{}{}", drop(&text[..first]), &text[first..last], drop(&text[last..]))
}

fn check(name: &str, found: Result<(), String>) -> Check {
    let (verdict, reason) = match found {
        Ok(()) => (Verdict::Pass, String::new()),
        Err(reason) => (Verdict::Fail, reason),
    };
    Check { name: name.to_owned(), verdict, reason }
}

fn uncited() -> Vec<Check> {
    let skipped = |name: &&str| Check {
        name: (*name).to_owned(),
        verdict: Verdict::Skipped,
        reason: "no passage is cited that it could be compared with".to_owned(),
    };
    let mut checks = vec![check("citation", Err("it cites no passage".to_owned()))];
    checks.extend(CHECKS.iter().skip(1).map(skipped));
    checks
}
