//! A model that does what it is asked.

use cofounder_domain::{Gate, Status, StepStatus};
use cofounder_pipeline::Strategy;
use cofounder_testkit::provider::Reply;

use crate::{
    bench::Bench,
    material::{FACTS, HEADINGS, TOPIC},
    model::{self, Asked, said},
    oracle::{honest, prose},
};

#[tokio::test]
async fn good_answers_become_a_draft_that_may_be_approved() {
    let bench = Bench::new(Strategy::Sections).await;
    let run = bench.run().await;
    let (post, report) = (run.post(), run.report());
    assert_eq!(bench.db.task(bench.task).await.unwrap().status, Status::AwaitingApproval);
    assert_eq!(post.gate, Gate::Open, "{:?}", report.rails);
    assert_eq!(post.title, TOPIC);
    assert_eq!(post.degraded, Vec::<String>::new());
    assert!(report.removed.is_empty(), "{:?}", report.removed);
    assert!(report.claims.iter().all(|c| c.supported));
    for fact in &FACTS {
        assert!(prose(post).contains(fact.reworded.trim_end_matches('.')), "{}", fact.reworded);
    }
    for heading in HEADINGS {
        assert!(post.markdown.contains(&format!("## {heading}\n")), "{heading}");
    }
    assert_eq!(
        post.description,
        "The tide mill has a pond of nine hectares, and volunteers grind wheat there on two days a week."
    );
    assert_eq!(post.tags, ["tide mill", "history"]);
    assert!(run.steps.iter().all(|s| s.status == StepStatus::Done), "{:?}", run.steps);
    assert_eq!(bench.asked(|a| matches!(a, Asked::Rewrite { .. })), 0);
    honest(&bench, &run).await;
}

/// The report's calls are the requests that the provider saw.
#[tokio::test]
async fn every_call_is_in_the_report_once() {
    let bench = Bench::new(Strategy::Sections).await;
    let run = bench.run().await;
    let calls = bench.db.calls(bench.task).await.unwrap();
    assert_eq!(calls.len(), bench.fake.calls());
    assert!(bench.requests().values().all(|n| *n == 1));
    let steps: Vec<&str> = calls.iter().map(|c| c.step.as_str()).collect();
    assert_eq!(
        steps,
        ["outline", "draft/section-1", "draft/section-2", "draft/section-3", "critique/1", "seo"]
    );
    assert!(calls.iter().all(|c| c.model == "acme/large" && c.cost_usd > 0.0));
    honest(&bench, &run).await;
}

/// What a prompt says in lines of its own stays in lines of its own.
#[tokio::test]
async fn the_parts_of_a_prompt_do_not_run_together() {
    let bench = Bench::new(Strategy::Sections).await;
    bench.model(|asked| match asked {
        Asked::Review => Some(Reply::text(
            r#"{"issues": [{"section": 2, "problem": "It is dull.", "fix": "Make it lively."}]}"#,
        )),
        _ => None,
    });
    let run = bench.run().await;
    honest(&bench, &run).await;
    assert_eq!(bench.asked(|a| matches!(a, Asked::Section { again: true, .. })), 1);
    for seen in bench.fake.seen() {
        for (_, text) in said(&seen.body) {
            for begins in [
                "Rules:",
                "An editor said",
                "Passages:",
                "Write section",
                "The last version was",
                "Answer in JSON",
            ] {
                let inside = text.lines().find(|line| line.contains(begins) && !line.starts_with(begins));
                assert_eq!(inside, None, "`{begins}` does not begin its line");
            }
        }
    }
}

/// Models that reason do so before their answer, also where it is JSON.
#[tokio::test]
async fn what_a_model_thinks_before_its_answer_is_no_part_of_it() {
    let bench = Bench::new(Strategy::Sections).await;
    bench.model(|asked| match model::good(asked) {
        Reply::Text(text) => {
            Some(Reply::text(format!("<think>\nI could answer {{\"title\": 1}}. Sure!\n</think>\n\n{text}")))
        }
        _ => None,
    });
    let run = bench.run().await;
    honest(&bench, &run).await;
    assert_eq!(run.post().degraded, Vec::<String>::new());
}
