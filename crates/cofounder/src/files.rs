//! The files a person finds: `<slug>.md`, `<slug>.html` and `<slug>.report.json`.

use cofounder_domain::{Post, Report};
use cofounder_pipeline::render::{FrontMatter, html};
use serde::Serialize;
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use crate::failure::Failure;

/// Where an article's files are, as absolute paths.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ArticleFiles {
    pub(crate) markdown: PathBuf,
    pub(crate) html: PathBuf,
    pub(crate) report: PathBuf,
}

/// Writes the three files. Each is written whole under another name first, so that none is ever seen half-written.
pub(crate) fn write(folder: &Path, post: &Post, report: &Report) -> Result<ArticleFiles, Failure> {
    let front = FrontMatter {
        title: &post.title,
        slug: &post.slug,
        description: &post.description,
        tags: &post.tags,
        date: post.published_at.unwrap_or(post.created_at),
        published: post.published_at.is_some(),
        gate: post.gate,
        degraded: &post.degraded,
    };
    let page = html(&front, &post.markdown).map_err(|e| Failure::of(cofounder_domain::FaultKind::Bug, e))?;
    let report =
        serde_json::to_string_pretty(report).map_err(|e| Failure::of(cofounder_domain::FaultKind::Bug, e))?;
    let folder = prepare(folder)?;
    let paths = ArticleFiles {
        markdown: folder.join(format!("{}.md", post.slug)),
        html: folder.join(format!("{}.html", post.slug)),
        report: folder.join(format!("{}.report.json", post.slug)),
    };
    whole(&paths.markdown, &format!("{}\n{}", front.yaml(), post.markdown))?;
    whole(&paths.html, &page)?;
    whole(&paths.report, &(report + "\n"))?;
    Ok(paths)
}

/// Makes the folder and tries to write into it, so that a task does not run for minutes before this fails.
pub(crate) fn prepare(folder: &Path) -> Result<PathBuf, Failure> {
    let told = |error: std::io::Error| {
        Failure::failed(format!(
            "files cannot be written into {}: {error}. Name another folder with --out",
            folder.display()
        ))
    };
    fs::create_dir_all(folder).map_err(told)?;
    let folder = folder.canonicalize().map_err(told)?;
    let trial = folder.join(format!(".cofounder-{}", std::process::id()));
    fs::write(&trial, b"").and_then(|()| fs::remove_file(&trial)).map_err(told)?;
    Ok(folder)
}

fn whole(path: &Path, text: &str) -> Result<(), Failure> {
    let half = path.with_extension("part");
    let written = fs::File::create(&half)
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&half, path));
    written.map_err(|error| {
        // Best effort: the message about the first error matters more than one about the clean-up.
        drop(fs::remove_file(&half));
        Failure::failed(format!(
            "{} could not be written: {error}. The article is kept: `cofounder post export --to DIR` writes it again",
            path.display()
        ))
    })
}
