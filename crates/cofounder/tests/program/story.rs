//! Two sources about a lighthouse, and a writer that puts their sentences into other words.

use cofounder_testkit::provider::Reply;
use serde_json::{Value, json};
use std::{fs, path::Path};

pub(crate) const TOPIC: &str = "The Halden lighthouse";

/// What the first source says, and how the writer puts it.
pub(crate) const TOWER: [(&str, &str); 6] = [
    (
        "Workers built the Halden lighthouse from grey granite in 1871.",
        "In 1871 the Halden lighthouse was built by workers from grey granite.",
    ),
    (
        "The tower stands 34 metres above the rocks at high tide.",
        "At high tide the tower stands 34 metres above the rocks.",
    ),
    (
        "A spiral staircase of 168 steps leads from the entrance to the lamp room.",
        "From the entrance, a spiral staircase leads to the lamp room in 168 steps.",
    ),
    (
        "Visitors may climb the staircase every Sunday between May and September.",
        "Every Sunday between May and September, visitors may climb the staircase.",
    ),
    (
        "The keeper lived in a small cottage beside the tower until 1964.",
        "Until 1964, the keeper lived beside the tower in a small cottage.",
    ),
    (
        "Storms in 1903 broke two windows of the lamp room.",
        "In 1903, two windows of the lamp room were broken by storms.",
    ),
];

/// The same for the second.
pub(crate) const LAMP: [(&str, &str); 6] = [
    (
        "The first lamp burned rapeseed oil for 22 years.",
        "For 22 years, rapeseed oil was burned by the first lamp.",
    ),
    (
        "An electric lamp replaced the paraffin burner in 1932.",
        "In 1932 the paraffin burner was replaced by an electric lamp.",
    ),
    (
        "The light flashes twice every 15 seconds during the night.",
        "During the night, the light flashes twice every 15 seconds.",
    ),
    (
        "Ships can see the beam from a distance of 21 nautical miles.",
        "From a distance of 21 nautical miles, ships can see the beam.",
    ),
    (
        "A diesel generator supplies power when the mains cable fails.",
        "When the mains cable fails, a diesel generator supplies power.",
    ),
    (
        "The lens weighs about 900 kilograms and floats in a bath of mercury.",
        "The lens floats in a bath of mercury and weighs about 900 kilograms.",
    ),
];

/// Writes both sources, as Markdown.
pub(crate) fn write_sources(folder: &Path) {
    fs::write(folder.join("tower.md"), source("The tower of Halden", &TOWER)).unwrap();
    fs::write(folder.join("lamp.md"), source("The lamp of Halden", &LAMP)).unwrap();
}

fn source(title: &str, facts: &[(&str, &str)]) -> String {
    let sentences: Vec<&str> = facts.iter().map(|(says, _)| *says).collect();
    format!("# {title}\n\n{}\n\n{}\n", sentences[..3].join(" "), sentences[3..].join(" "))
}

/// Answers every kind of prompt as a good model would.
pub(crate) fn able_writer() -> impl FnMut(&Value) -> Reply + Send + 'static {
    |body| Reply::text(answer(body))
}

fn answer(body: &Value) -> String {
    let prompt = prompt(body);
    match body["response_format"]["json_schema"]["name"].as_str() {
        Some("outline") => json!({
            "title": TOPIC,
            "sections": [
                {"heading": "How the tower was built", "about": "granite, rocks, staircase, keeper, cottage, storms, windows"},
                {"heading": "How the lamp shines", "about": "lamp, oil, electric, flashes, beam, generator, lens"},
            ]
        })
        .to_string(),
        Some("review") => json!({"issues": []}).to_string(),
        Some("seo") => json!({"description": TOWER[0].1, "tags": ["lighthouse", "halden"]}).to_string(),
        Some(other) => panic!("no answer for {other}"),
        None if prompt.contains("Write section 1") => section(&prompt, &TOWER),
        None if prompt.contains("Write section 2") => section(&prompt, &LAMP),
        None => rewritten(&prompt),
    }
}

/// Each fact that a passage of the prompt holds, in other words and with the passage's mark.
fn section(prompt: &str, facts: &[(&str, &str)]) -> String {
    let cited = facts.iter().filter_map(|(says, put)| {
        let line = prompt.lines().find(|l| l.starts_with("[S") && l.contains(says))?;
        let mark = &line[..=line.find(']')?];
        Some(format!("{} {mark}.", put.trim_end_matches('.')))
    });
    cited.collect::<Vec<_>>().join(" ")
}

/// A sentence that failed its checks is answered with one that the passages do say.
fn rewritten(prompt: &str) -> String {
    let all: Vec<_> = TOWER.iter().chain(&LAMP).copied().collect();
    section(prompt, &all).split_inclusive("].").next().unwrap_or_default().to_owned()
}

/// The last user message of a request.
pub(crate) fn prompt(body: &Value) -> String {
    let messages = body["messages"].as_array().cloned().unwrap_or_default();
    let last = messages.iter().rev().find(|m| m["role"] == "user");
    last.and_then(|m| m["content"].as_str()).unwrap_or_default().to_owned()
}
