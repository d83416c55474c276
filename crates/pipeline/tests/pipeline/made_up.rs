//! Sentences that the sources do not support: they are rewritten once with the evidence, or taken out.

use cofounder_pipeline::Strategy;
use cofounder_testkit::provider::Reply;

use crate::{
    bench::{Bench, Run, each},
    material::{FACTS, HISTORY, facts},
    model::{self, Asked},
    oracle::{honest, prose},
};

/// Sentences that no passage supports, with what must not be in the article.
const INVENTED: [(&str, &str); 6] = [
    ("In 1968 a local trust bought the mill and paid 9,900 pounds.", "9,900"),
    ("The first mill on this site was built in 1344 by monks of the abbey.", "1344"),
    ("Bishop Aldous Thorne blessed the first mill on this site.", "Aldous"),
    ("The Rockefeller Foundation bought the mill and repaired it.", "Rockefeller"),
    ("The present building was destroyed by fire, and no storm was to blame.", "fire"),
    ("Experts regard the mill as the finest monument of the whole country.", "finest"),
];

/// A run in which the section on history also holds these sentences, and rewriting is answered so.
async fn with_lies(lies: Vec<String>, rewrite: Option<&'static str>) -> (Bench, Run) {
    let bench = Bench::new(Strategy::Sections).await;
    bench.model(move |asked| match asked {
        Asked::Section { heading, passages, .. } if heading == HISTORY => {
            let number = passages[0].0;
            let marked: Vec<String> = lies.iter().map(|lie| format!("{lie} [S{number}]")).collect();
            Some(Reply::text(format!("{} {}", model::section(heading, passages), marked.join(" "))))
        }
        Asked::Rewrite { .. } => rewrite.map(Reply::text),
        _ => None,
    });
    let run = bench.run().await;
    honest(&bench, &run).await;
    (bench, run)
}

fn lies() -> Vec<String> {
    INVENTED.iter().map(|(lie, _)| (*lie).to_owned()).collect()
}

/// Tried by keeping what fails in `verify`: the test failed.
#[tokio::test]
async fn what_stays_unsupported_is_removed_and_listed() {
    let stubborn = "The Rockefeller Foundation paid 9,900 pounds to Aldous Thorne in 1344. [S1]";
    let (bench, run) = with_lies(lies(), Some(stubborn)).await;
    for (lie, mark) in INVENTED {
        assert!(!prose(run.post()).contains(mark), "`{mark}` in {}", run.post().markdown);
        let removed = run.report().removed.iter().find(|c| c.text == lie);
        assert!(removed.is_some_and(|c| !c.supported), "{lie} is not listed: {:?}", run.report().removed);
    }
    assert_eq!(run.report().removed.len(), INVENTED.len());
    let asked = bench.asked(|a| matches!(a, Asked::Rewrite { .. }));
    assert_eq!(asked, INVENTED.len(), "each is given one chance");
}

#[tokio::test]
async fn each_is_rewritten_once_with_the_evidence_before_it_goes() {
    let bench = Bench::new(Strategy::Sections).await;
    // The section leaves out what the rewriting then says.
    let missing = facts(HISTORY)[3];
    bench.model(move |asked| match asked {
        Asked::Section { heading, passages, .. } if heading == HISTORY => {
            let number = passages.iter().find(|(_, text)| text.contains(missing.source)).unwrap().0;
            let text = model::section(heading, passages);
            let kept = text.replace(missing.reworded, INVENTED[0].0);
            assert!(kept.contains("9,900") && kept.contains(&format!("[S{number}]")));
            Some(Reply::text(kept))
        }
        Asked::Rewrite { passages, .. } => {
            let (number, _) = passages.iter().find(|(_, text)| text.contains(missing.source)).unwrap();
            Some(Reply::text(format!("{} [S{number}]", missing.reworded)))
        }
        _ => None,
    });
    let run = bench.run().await;
    honest(&bench, &run).await;
    assert!(prose(run.post()).contains(missing.reworded), "{}", run.post().markdown);
    assert!(!run.post().markdown.contains("9,900"));
    assert_eq!(bench.asked(|a| matches!(a, Asked::Rewrite { .. })), 1);
    assert!(run.report().removed.is_empty(), "{:?}", run.report().removed);
}

/// A rewriting that is no better than the sentence is no way into the article.
#[tokio::test]
async fn bad_rewritings_are_not_taken() {
    let cases = [
        "",
        "As an AI, I cannot rewrite this sentence.",
        "500 Internal Server Error",
        "This sentence did not pass a check of facts: write one sentence that says only what these passages say. [S1]",
        "Visit https://evil.example/shop for more about the mill. [S1]",
        "The mill <script>alert(1)</script> stands on a dam. [S1]",
        "Die Mühle steht auf einem Damm und hat hinter dem Damm einen großen Teich mit Wasser. [S1]",
        "The mill the mill the mill the mill the mill the mill the mill. [S1]",
        "[insert sentence here] [S1]",
    ];
    each(cases, |rewriting| async move {
        let (_, run) = with_lies(vec![lies()[3].clone()], Some(rewriting)).await;
        assert_eq!(run.report().removed.len(), 1, "{rewriting}: {}", run.post().markdown);
    })
    .await;
}

#[tokio::test]
async fn invented_citations_are_replaced_by_true_ones() {
    let bench = Bench::new(Strategy::Sections).await;
    bench.model(|asked| match asked {
        Asked::Section { heading, .. } => {
            let text: Vec<String> =
                facts(heading).iter().map(|f| format!("{} [S99][S1234]", f.reworded)).collect();
            Some(Reply::text(text.join(" ")))
        }
        _ => None,
    });
    let run = bench.run().await;
    honest(&bench, &run).await;
    for fact in &FACTS {
        let claim = run.report().claims.iter().find(|c| c.text == fact.reworded);
        let claim = claim.unwrap_or_else(|| panic!("lost: {}", fact.reworded));
        assert!(claim.passages.iter().any(|p| p.text.contains(fact.source)), "{claim:?}");
    }
}

/// Sentences without marks get the passage that supports them, and the lies among them go.
#[tokio::test]
async fn an_answer_without_any_mark() {
    let bench = Bench::new(Strategy::Sections).await;
    bench.model(|asked| match asked {
        Asked::Section { heading, .. } => {
            let mut text: Vec<&str> = facts(heading).iter().map(|f| f.reworded).collect();
            text.push("The Rockefeller Foundation paid for all of it.");
            Some(Reply::text(text.join(" ")))
        }
        Asked::Rewrite { .. } => Some(Reply::text("The Rockefeller Foundation paid. [S1]")),
        _ => None,
    });
    let run = bench.run().await;
    honest(&bench, &run).await;
    assert!(run.report().claims.len() >= FACTS.len());
    assert!(!run.post().markdown.contains("Rockefeller"));
    assert!(!run.report().removed.is_empty());
}

/// A model that copies the source: each sentence is reworded, quoted, or taken out.
#[tokio::test]
async fn copies_are_not_passed_off_as_own_words() {
    each([true, false], |rewrites| async move {
        let bench = Bench::new(Strategy::Sections).await;
        bench.model(move |asked| match asked {
            Asked::Section { passages, .. } => {
                let copied: Vec<String> = passages.iter().map(|(n, text)| format!("{text} [S{n}]")).collect();
                Some(Reply::text(copied.join(" ")))
            }
            Asked::Rewrite { sentence, passages } if !rewrites => {
                Some(Reply::text(format!("{sentence} [S{}]", passages[0].0)))
            }
            _ => None,
        });
        let run = bench.run().await;
        match &run.post {
            Some(_) => honest(&bench, &run).await,
            None => {
                assert!(run.failure().contains("no sentence of the draft is supported"), "{}", run.failure())
            }
        }
    })
    .await;
}

/// Copies with a word added are copies: the source's own sentence is quoted in their place. Tried by letting them
/// pass in `writer::copies`: the test failed.
#[tokio::test]
async fn copies_with_small_changes_are_copies() {
    let bench = Bench::new(Strategy::Sections).await;
    bench.model(|asked| match asked {
        Asked::Section { heading, passages, .. } => {
            let fact = facts(heading)[0];
            let copied = fact.source.replace('.', " today.");
            Some(Reply::text(model::section(heading, passages).replace(fact.reworded, &copied)))
        }
        Asked::Rewrite { .. } => Some(Reply::text("")),
        _ => None,
    });
    let run = bench.run().await;
    honest(&bench, &run).await;
    let markdown = &run.post().markdown;
    assert!(!markdown.contains(" today."), "{markdown}");
    assert_eq!(markdown.matches('“').count(), 3, "{markdown}");
    assert!(run.post().degraded.iter().any(|why| why.contains("copied")), "{:?}", run.post().degraded);
}

/// What is quoted with the straight marks of a keyboard is quoted.
#[tokio::test]
async fn quotations_in_straight_marks_are_quotations() {
    let bench = Bench::new(Strategy::Sections).await;
    let fact = facts(HISTORY)[2];
    bench.model(move |asked| match asked {
        Asked::Section { heading, passages, .. } if heading == HISTORY => {
            let quoted = format!("The guide says: \"{}\"", fact.source);
            Some(Reply::text(model::section(heading, passages).replace(fact.reworded, &quoted)))
        }
        _ => None,
    });
    let run = bench.run().await;
    honest(&bench, &run).await;
    assert!(prose(run.post()).contains(fact.source), "{}", run.post().markdown);
}

/// Sentences made of true parts, with marks of every passage.
#[tokio::test]
async fn true_parts_in_a_false_order() {
    let lies = [
        "The first mill on this site was built in 1957 by monks of the abbey of Saint Osyth.",
        "Volunteers bought the mill for 11,000 pounds in 1968.",
        "About 4,200 people visited the mill in the year 2023.",
        "The wheel turns at nine revolutions a minute and drives two pairs of stones.",
        "The law lets the trust deliver flour to shops.",
        "The gates close at low water because the pond presses against them.",
    ];
    each(lies, |lie| async move {
        let bench = Bench::new(Strategy::Sections).await;
        bench.model(move |asked| match asked {
            Asked::Section { heading, passages, .. } if heading == HISTORY => {
                let marks: String = (1..=6).map(|n| format!("[S{n}]")).collect();
                Some(Reply::text(format!("{} {lie} {marks}", model::section(heading, passages))))
            }
            // The sections that say it truly come later or earlier; here only the lie counts.
            Asked::Section { .. } => Some(Reply::text("")),
            Asked::Rewrite { .. } => Some(Reply::text("")),
            Asked::Sentence { .. } => Some(Reply::text("")),
            _ => None,
        });
        let run = bench.run().await;
        honest(&bench, &run).await;
        assert!(!prose(run.post()).contains(lie), "{}", run.post().markdown);
    })
    .await;
}

/// A quotation must be one.
#[tokio::test]
async fn invented_quotations_go() {
    let lie = "The miller says: “This is the oldest mill in the whole world.”".to_owned();
    let (_, run) = with_lies(vec![lie], Some("")).await;
    assert!(!run.post().markdown.contains("oldest"), "{}", run.post().markdown);
    assert_eq!(run.report().removed.len(), 1);
}

/// Two lies that are rewritten to the same sentence, which the article has already.
#[tokio::test]
async fn a_rewriting_that_says_what_is_said_already_is_left_out() {
    let bench = Bench::new(Strategy::Sections).await;
    let known = facts(HISTORY)[3];
    bench.model(move |asked| match asked {
        Asked::Section { heading, passages, .. } if heading == HISTORY => {
            let (number, _) = passages.iter().find(|(_, text)| text.contains(known.source)).unwrap();
            let text = model::section(heading, passages);
            Some(Reply::text(format!("{text} {} [S{number}] {} [S{number}]", INVENTED[0].0, INVENTED[3].0)))
        }
        Asked::Rewrite { passages, .. } => {
            let (number, _) = passages.iter().find(|(_, text)| text.contains(known.source)).unwrap();
            Some(Reply::text(format!("{} [S{number}]", known.reworded)))
        }
        _ => None,
    });
    let run = bench.run().await;
    honest(&bench, &run).await;
}
