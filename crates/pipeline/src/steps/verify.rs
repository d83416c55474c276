//! Verify: each factual sentence is checked against the passages it cites. One that fails is given its
//! evidence and rewritten once; one that still fails is taken out, and the report says so.

use cofounder_domain::{Check, Claim, ClaimPassage, Passage, Verdict, sentences, word_count};
use cofounder_executor::{Outcome, StepContext, StepError};
use cofounder_metering::Role;
use cofounder_qa as qa;
use cofounder_research::Ranking;
use serde::{Deserialize, Serialize};

use crate::{
    article::{Article, Form, Section, Sentence},
    patterns::ADDRESS,
    pen::{Manner, Pen},
    prompts,
    steps::{bug, draft::Desk, rules},
    writer::{Strategy, attributed, copies, longest_shared_run, pick, says_again},
};

/// How many passages one sentence rests on at the most.
const MOST_CITED: usize = 2;

/// What is wrong with a copy.
const COPIED: &str = "it takes the source's words without quotation marks";

/// The article with only supported sentences, and what was checked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Verified {
    pub(crate) article: Article,
    pub(crate) claims: Vec<Claim>,
    pub(crate) removed: Vec<Claim>,
    pub(crate) rewritten: usize,
}

struct Verifier<'a> {
    desk: &'a Desk<'a>,
    rules: qa::Rules,
    ranking: Ranking,
    strategy: Strategy,
    pen: &'a Pen<'a>,
}

/// Checks every sentence.
pub(crate) async fn run(
    desk: &Desk<'_>,
    mut article: Article,
    strategy: Strategy,
    pen: &Pen<'_>,
    step: &StepContext,
) -> Result<Outcome<Verified>, StepError> {
    let rules = rules(desk.brief, desk.sources);
    let verifier = Verifier { desk, rules, ranking: Ranking::new(desk.passages), strategy, pen };
    let written: Vec<String> = article.sentences().map(|s| s.text.clone()).collect();
    let (mut claims, mut removed): (Vec<Claim>, Vec<Claim>) = Default::default();
    let (mut rewritten, mut quoted) = (0, 0);
    for section in &mut article.sections {
        for paragraph in &mut section.paragraphs {
            let mut kept = Vec::new();
            for sentence in std::mem::take(&mut paragraph.sentences) {
                match verifier.sentence(&sentence).await? {
                    Fate::NoClaim => kept.push(sentence),
                    Fate::Kept(as_it_is, claim) => {
                        kept.push(as_it_is);
                        claims.push(claim);
                    }
                    Fate::Quoted(quotation, _, old) if repeats(&quotation, &sentence, &[], &claims) => {
                        removed.push(old)
                    }
                    Fate::Quoted(quotation, claim, _) => {
                        quoted += 1;
                        kept.push(quotation);
                        claims.push(claim);
                    }
                    Fate::Rewritten(new, _, mut old) if repeats(&new, &sentence, &written, &claims) => {
                        old.checks.push(failed(
                            "repetition",
                            "rewritten with its evidence, it says what another sentence says",
                        ));
                        removed.push(old);
                    }
                    Fate::Rewritten(new, claim, _) => {
                        rewritten += 1;
                        kept.push(new);
                        claims.push(claim);
                    }
                    Fate::Removed(claim) => removed.push(claim),
                }
            }
            paragraph.sentences = kept;
        }
        section.drop_empty();
        step.detail(format!("{} claims supported, {} removed", claims.len(), removed.len()));
    }
    article.sections.retain(|s| !s.paragraphs.is_empty());
    let verified = Verified { article, claims, removed, rewritten };
    let why = "the model copied sentences of the sources; they are quoted now";
    Ok(if quoted > 0 { Outcome::degraded(verified, vec![why.to_owned()]) } else { Outcome::done(verified) })
}

/// Whether nothing is wrong with a claim but that it takes the source's words as its own.
fn only_copied(claim: &Claim) -> bool {
    claim.checks.iter().all(|c| c.verdict == Verdict::Pass || (c.name == "quote" && c.reason == COPIED))
}

/// The sentence of a source that a text is a copy of, for the most part.
fn copied(text: &str, source: &str) -> Option<String> {
    let originals = sentences(source)
        .into_iter()
        .map(|s| source[s.start..s.end].split_whitespace().collect::<Vec<_>>().join(" "));
    originals.filter(|original| original.ends_with(['.', '!', '?'])).find(|original| {
        let words = word_count(original);
        words >= 4 && longest_shared_run(text, original) * 10 >= words * 6
    })
}

/// Whether a rewritten sentence says what another one of the article says.
fn repeats(new: &Sentence, old: &Sentence, written: &[String], claims: &[Claim]) -> bool {
    let others = written.iter().filter(|text| **text != old.text).chain(claims.iter().map(|c| &c.text));
    others.into_iter().any(|text| says_again(text, &new.text))
}

enum Fate {
    NoClaim,
    Kept(Sentence, Claim),
    /// It was a copy, and is quoted now: with its claim, and the claim of the copy.
    Quoted(Sentence, Claim, Claim),
    /// With its claim, and the claim of the sentence that it replaces.
    Rewritten(Sentence, Claim, Claim),
    Removed(Claim),
}

impl Verifier<'_> {
    async fn sentence(&self, sentence: &Sentence) -> Result<Fate, StepError> {
        if sentence.cites.is_empty() && !qa::is_factual(&sentence.text) {
            return Ok(Fate::NoClaim);
        }
        let sentence = &self.narrowed(sentence);
        let claim = self.claim(sentence);
        if claim.supported {
            return Ok(Fate::Kept(sentence.clone(), claim));
        }
        // A sentence whose marks are missing or wrong may still rest on a passage that is there.
        if let Some((moved, claim)) = self.recite(sentence) {
            return Ok(Fate::Kept(moved, claim));
        }
        if self.strategy == Strategy::Sections
            && let Some(rewritten) = self.rewrite(sentence, &claim).await?
        {
            let new = self.claim(&rewritten);
            if new.supported {
                return Ok(Fate::Rewritten(rewritten, new, claim));
            }
        }
        Ok(match self.quoted(sentence).filter(|_| only_copied(&claim)) {
            Some((quotation, quoted)) => Fate::Quoted(quotation, quoted, claim),
            None => Fate::Removed(claim),
        })
    }

    /// The sentence with the citations that say most of what it says. Enough true parts from all over can be put
    /// together to something false; evidence for one sentence stands in one or two places.
    fn narrowed(&self, sentence: &Sentence) -> Sentence {
        let mut cites = sentence.cites.clone();
        if cites.len() > MOST_CITED {
            let said = qa::content_words(&qa::plain(&sentence.text));
            let share = |number: &u32| {
                let words: Vec<String> = pick(self.desk.passages, &[*number])
                    .iter()
                    .flat_map(|p| qa::content_words(&p.text))
                    .collect();
                said.iter().filter(|w| words.contains(w)).count()
            };
            cites.sort_by_key(|number| std::cmp::Reverse(share(number)));
            cites.truncate(MOST_CITED);
            cites.sort_unstable();
        }
        Sentence { cites, ..sentence.clone() }
    }

    fn claim(&self, sentence: &Sentence) -> Claim {
        let text = qa::plain(&sentence.text);
        let cited = pick(self.desk.passages, &sentence.cites);
        let mut checks = qa::check_claim(&text, &cited, &self.rules);
        if sentence.cites.len() != cited.len() {
            checks.push(failed("citation", "it cites a passage that does not exist"));
        }
        if ADDRESS.is_match(&text) && !cited.iter().any(|p| ADDRESS.is_match(&p.text)) {
            checks.push(failed("citation", "it holds an address that no passage has"));
        }
        if sentence.form == Form::Prose && cited.iter().any(|p| copies(&without_quotes(&text), &p.text)) {
            checks.push(failed("quote", COPIED));
        }
        let passages = cited
            .iter()
            .map(|p| ClaimPassage {
                source: p.source.clone(),
                start: p.start,
                end: p.end,
                text: p.text.clone(),
            })
            .collect();
        Claim { supported: qa::supported(&checks), text, passages, checks }
    }

    /// The sentence of a source that this one copies, as a quotation with the source named.
    fn quoted(&self, sentence: &Sentence) -> Option<(Sentence, Claim)> {
        let text = qa::plain(&sentence.text);
        let own = sentence.form == Form::Prose && !text.contains(['“', '”', '"']);
        let cited = pick(self.desk.passages, &sentence.cites).into_iter().chain(self.nearest(&text, 2));
        cited.filter(|_| own).find_map(|passage| {
            let original = copied(&text, &passage.text)?;
            let turn = usize::try_from(passage.number).unwrap_or(0);
            let text = attributed(self.desk.sources, passage, &original, turn);
            let quotation = Sentence { text, cites: vec![passage.number], form: Form::Quotation };
            let claim = self.claim(&quotation);
            claim.supported.then_some((quotation, claim))
        })
    }

    /// The sentence with the one passage that supports it, if there is one.
    fn recite(&self, sentence: &Sentence) -> Option<(Sentence, Claim)> {
        self.nearest(&sentence.text, 3).into_iter().find_map(|passage| {
            let moved = Sentence { cites: vec![passage.number], ..sentence.clone() };
            let claim = self.claim(&moved);
            claim.supported.then_some((moved, claim))
        })
    }

    fn nearest(&self, text: &str, count: usize) -> Vec<&Passage> {
        self.ranking.rank(text, count).into_iter().map(|(index, _)| &self.desk.passages[index]).collect()
    }

    async fn rewrite(&self, sentence: &Sentence, claim: &Claim) -> Result<Option<Sentence>, StepError> {
        let mut evidence = pick(self.desk.passages, &sentence.cites);
        for passage in self.nearest(&sentence.text, 3) {
            if !evidence.iter().any(|p| p.number == passage.number) {
                evidence.push(passage);
            }
        }
        if evidence.is_empty() {
            return Ok(None);
        }
        let problem: Vec<&str> =
            claim.checks.iter().filter(|c| c.verdict != Verdict::Pass).map(|c| c.reason.as_str()).collect();
        let values = minijinja::context! {
            sentence => claim.text.as_str(), problem => problem.join("; "), passages => prompts::shown(&evidence),
        };
        let prompt = prompts::render("rewrite", values).map_err(bug)?;
        let answer = self.pen.prompt(prompt.clone(), &Manner::new(Role::Verify, 160)).await?;
        let text = qa::clean_answer(&answer.text);
        if answer.cut_off() || !qa::answer_faults(&text, &prompt).is_empty() {
            return Ok(None);
        }
        Ok(Section::from_answer(None, &text).sentences().next().cloned())
    }
}

fn failed(name: &str, reason: &str) -> Check {
    Check { name: name.to_owned(), verdict: Verdict::Fail, reason: reason.to_owned() }
}

/// The text outside double quotation marks.
fn without_quotes(text: &str) -> String {
    let mut depth = false;
    text.chars()
        .map(|c| {
            let mark = matches!(c, '“' | '”' | '"');
            if mark {
                depth = c == '“' || (c == '"' && !depth);
            }
            if depth || mark { ' ' } else { c }
        })
        .collect()
}
