//! Answers that are of no use: to all questions, and to each kind of question while the rest is answered well.

use cofounder_domain::{Status, StepStatus};
use cofounder_executor::Finished;
use cofounder_pipeline::Strategy;
use cofounder_testkit::provider::Reply;

use crate::{
    bench::{Bench, Run, each},
    material::HISTORY,
    model::{self, Asked},
    oracle::{honest, prose},
};

/// The kinds of question, by name.
pub(crate) const KINDS: [&str; 6] = ["outline", "section", "review", "rewrite", "seo", "sentence"];

/// The kind of a question.
pub(crate) fn kind(asked: &Asked) -> &'static str {
    match asked {
        Asked::Outline => "outline",
        Asked::Section { .. } => "section",
        Asked::Review => "review",
        Asked::Rewrite { .. } => "rewrite",
        Asked::Seo => "seo",
        Asked::Sentence { .. } => "sentence",
    }
}

/// A run in which every question is answered with `reply`, and one for each kind of question where only that kind
/// is. Each ends with an honest draft.
pub(crate) async fn everywhere(reply: Reply) {
    let all = reply.clone();
    let run = draft(move |_| Some(all.clone())).await;
    assert!(!run.post().degraded.is_empty(), "nothing was of use, and nobody says so");
    each(KINDS.map(|only| (only, reply.clone())), |(only, reply)| async move {
        let run = draft(move |asked| (kind(asked) == only).then(|| reply.clone())).await;
        let told = run.post().degraded.join(" ");
        if ["outline", "review", "seo"].contains(&only) {
            assert!(told.contains("of no use") || told.contains("did not pass"), "{only}: {told}");
        }
    })
    .await;
}

/// A run whose model answers so. It must end with an honest draft.
async fn draft(answer: impl FnMut(&Asked) -> Option<Reply> + Send + 'static) -> Run {
    let bench = Bench::new(Strategy::Sections).await;
    bench.model(answer);
    let run = bench.run().await;
    assert!(matches!(run.finished, Finished::Ended(_)), "{:?}", run.finished);
    assert_eq!(bench.db.task(bench.task).await.unwrap().status, Status::AwaitingApproval);
    honest(&bench, &run).await;
    run
}

#[tokio::test]
async fn empty_answers() {
    everywhere(Reply::text("")).await;
    everywhere(Reply::text(" \n\t ")).await;
}

#[tokio::test]
async fn endless_loops() {
    everywhere(Reply::text("The mill is a mill and ".repeat(120))).await;
    everywhere(Reply::Length("The mill grinds wheat for the people of the town. [S1] ".repeat(60))).await;
}

#[tokio::test]
async fn answers_in_another_language() {
    let german = "Die Gezeitenmühle steht auf einem Damm und hat einen Teich von neun Hektar. [S1] Wenn die Flut steigt, drückt das \
                  Wasser die Tore auf und füllt den Teich hinter dem Damm. [S2] Freiwillige mahlen dort von April bis Oktober Weizen. [S5]";
    everywhere(Reply::text(german)).await;
}

#[tokio::test]
async fn refusals() {
    let refusal = "As an AI language model, I cannot write about tide mills. I'm sorry, but I don't have access to the internet. [S1]";
    everywhere(Reply::text(refusal)).await;
    everywhere(Reply::text("I'm sorry, but I can't help with that.")).await;
}

#[tokio::test]
async fn error_messages_in_the_place_of_an_answer() {
    everywhere(Reply::text("500 Internal Server Error")).await;
    everywhere(Reply::text(
        r#"{"error": {"message": "The server had an error", "type": "server_error", "code": 500}}"#,
    ))
    .await;
    everywhere(Reply::text(
        "Traceback (most recent call last):\n  File \"x.py\", line 1, in <module>\nValueError: bad",
    ))
    .await;
}

#[tokio::test]
async fn templates_and_tokens() {
    everywhere(Reply::text(
        "{{ title }} is [insert fact here] in {% section %}. [S1] Lorem ipsum dolor sit amet. [S2]",
    ))
    .await;
    everywhere(Reply::text(
        "<|im_start|>assistant\nThe mill is [your text here]. [S1]<|im_end|>\n<|im_start|>user\nUser: go on",
    ))
    .await;
}

/// A good section keeps its text when a model talks around it.
#[tokio::test]
async fn talk_around_a_good_section_is_left_out() {
    let run = draft(|asked| match asked {
        Asked::Section { heading, passages, .. } => {
            let text = model::section(heading, passages);
            Some(Reply::text(format!(
                "Sure! Here is the section:\n\n{text}\n\nLet me know if you need more!"
            )))
        }
        _ => None,
    })
    .await;
    assert!(prose(run.post()).contains("pond of the mill"), "{}", run.post().markdown);
}

#[tokio::test]
async fn broken_json_is_told_and_gone_round() {
    let broken = [
        "{\"title\": \"The",
        "no JSON at all",
        "[]",
        "{}",
        "null",
        "{\"title\": 5, \"sections\": 7, \"issues\": 9}",
    ];
    for (only, step) in [("outline", "outline"), ("review", "critique/1"), ("seo", "seo")] {
        for text in broken {
            let run = draft(move |asked| (kind(asked) == only).then(|| Reply::text(text))).await;
            let step = run.step(step);
            assert_eq!(step.status, StepStatus::Degraded, "{only}: {text}");
            assert!(step.reasons[0].contains("of no use"), "{:?}", step.reasons);
        }
    }
}

#[tokio::test]
async fn json_that_was_cut_off_says_so() {
    for (only, step) in [("outline", "outline"), ("review", "critique/1"), ("seo", "seo")] {
        let cut = "{\"title\": \"The Linden tide mill\", \"sections\": [{\"heading\": \"Hist";
        let run = draft(move |asked| (kind(asked) == only).then(|| Reply::Length(cut.to_owned()))).await;
        assert!(run.step(step).reasons[0].contains("cut off"), "{:?}", run.step(step).reasons);
    }
}

/// The schema holds, the sense does not.
#[tokio::test]
async fn an_outline_that_fits_its_schema_and_is_nonsense() {
    let nonsense = [
        r#"{"title": "", "sections": []}"#,
        r#"{"title": "x", "sections": [{"heading": "", "about": ""}]}"#,
        r#"{"title": "Qwx zzv", "sections": [{"heading": "Qwx zzv", "about": "blorf"}]}"#,
        r#"{"title": "string", "sections": [{"heading": "...", "about": "..."}, {"heading": "!!!", "about": "?"}]}"#,
    ];
    for text in nonsense {
        let run = draft(move |asked| (kind(asked) == "outline").then(|| Reply::text(text))).await;
        assert_eq!(run.step("outline").status, StepStatus::Degraded, "{text}");
    }
}

/// A section that ends at its token limit loses its last, unfinished sentence and nothing else.
#[tokio::test]
async fn a_section_that_was_cut_off_ends_with_a_whole_sentence() {
    let run = draft(|asked| match asked {
        Asked::Section { heading, passages, .. } => {
            let text = model::section(heading, passages);
            Some(Reply::Length(format!("{text} The wheel was also painted in the colour of")))
        }
        _ => None,
    })
    .await;
    assert!(!run.post().markdown.contains("colour of"), "{}", run.post().markdown);
    assert!(prose(run.post()).contains("pond of the mill"), "{}", run.post().markdown);
}

/// Issues for sections that are not there, and issues without an end, change nothing.
#[tokio::test]
async fn a_review_that_makes_no_sense_changes_nothing() {
    let issue =
        r#"{"section": 99, "problem": "Add a story about Atlantis.", "fix": "Write that it sank in 1850."}"#;
    let review = format!("{{\"issues\": [{}]}}", [issue; 40].join(", "));
    let run = draft(move |asked| (kind(asked) == "review").then(|| Reply::text(review.clone()))).await;
    assert!(run.steps.iter().all(|s| s.status == StepStatus::Done), "{:?}", run.steps);
}

/// A revision that is worse than what it revises is not taken.
#[tokio::test]
async fn a_revision_is_taken_only_if_it_is_no_worse() {
    let cases = [
        "",
        "The mill is lovely.",
        "As an AI, I cannot revise this section.",
        "The mill sank in 1850 near Atlantis. [S1]",
    ];
    each(cases, |worse| async move {
        let run = draft(move |asked| match asked {
            Asked::Review => {
                let issue =
                    r#"{"issues": [{"section": 1, "problem": "It is dull.", "fix": "Make it lively."}]}"#;
                Some(Reply::text(issue))
            }
            Asked::Section { again: true, .. } => Some(Reply::text(worse)),
            _ => None,
        })
        .await;
        assert_eq!(run.step("revise/1").status, StepStatus::Degraded, "{worse}");
        assert!(prose(run.post()).contains("pond of the mill"), "{}", run.post().markdown);
    })
    .await;
}

/// The same section under every heading is said once.
#[tokio::test]
async fn one_section_for_all_headings() {
    let run = draft(|asked| match asked {
        Asked::Section { passages, .. } => Some(Reply::text(model::section(HISTORY, passages))),
        _ => None,
    })
    .await;
    assert_eq!(prose(run.post()).matches("4,200 pounds").count(), 1);
}

/// Lists and quotations are text; headings, code and tables of a model are not.
#[tokio::test]
async fn a_section_with_all_that_markdown_has() {
    let run = draft(|asked| match asked {
        Asked::Section { heading, passages, .. } if heading == HISTORY => {
            let items: Vec<String> = model::section(heading, passages).split_inclusive("] ").map(|i| format!("- {i}\n")).collect();
            Some(Reply::text(format!(
                "### Overview\n\n{}\n| year | what |\n| --- | --- |\n| 1899 | made up |\n\n```sh\nrm -rf /\n```\n\n> The mill is the finest of all. [S1]\n",
                items.concat()
            )))
        }
        // The quotation is none.
        Asked::Rewrite { .. } => Some(Reply::text("")),
        _ => None,
    })
    .await;
    let text = &run.post().markdown;
    assert!(text.contains("- The first mill on this site was built in 1132"), "{text}");
    for left in ["Overview", "1899", "rm -rf", "finest"] {
        assert!(!text.contains(left), "{left}: {text}");
    }
}
