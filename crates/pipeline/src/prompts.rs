//! The prompts, as files in `prompts/`. Their version stands in each run through [`crate::VERSION`].

use minijinja::{Environment, UndefinedBehavior, Value, syntax::SyntaxConfig};

/// The words before every prompt but the sentence writer's.
pub(crate) const SYSTEM: &str = include_str!("../prompts/system.txt");
/// The words before every prompt of the sentence writer.
pub(crate) const SENTENCE_SYSTEM: &str = include_str!("../prompts/sentence-system.txt");

const FILES: [(&str, &str); 6] = [
    ("outline", include_str!("../prompts/outline.txt")),
    ("section", include_str!("../prompts/section.txt")),
    ("rewrite", include_str!("../prompts/rewrite.txt")),
    ("critique", include_str!("../prompts/critique.txt")),
    ("seo", include_str!("../prompts/seo.txt")),
    ("probe", include_str!("../prompts/probe.txt")),
];

/// The named prompt, filled in. A value that the prompt names and `values` lacks is an error.
pub(crate) fn render(name: &str, values: Value) -> Result<String, minijinja::Error> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).build()?);
    for (file, text) in FILES {
        environment.add_template(file, text)?;
    }
    environment.get_template(name)?.render(values).map(|text| text.trim().to_owned())
}

/// A passage as the writer sees it: one line, so that a line break in a source cannot look like the end
/// of the passages.
pub(crate) fn shown(passages: &[&cofounder_domain::Passage]) -> Value {
    passages
        .iter()
        .map(|p| {
            let text = p.text.split_whitespace().collect::<Vec<_>>().join(" ");
            minijinja::context! { number => p.number, text => text }
        })
        .collect()
}
