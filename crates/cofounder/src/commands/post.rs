//! `cofounder post`: articles.

use cofounder_domain::Post;
use serde_json::json;
use std::path::Path;

use crate::{
    app::App,
    cli::PostCommand,
    failure::Failure,
    files::{self, ArticleFiles},
    output,
};

pub(crate) async fn run(app: App, command: &PostCommand, as_json: bool) -> Result<(), Failure> {
    match command {
        PostCommand::List(page) => {
            let found = app.db.list_posts(page.limit, page.cursor.as_deref(), false).await?;
            output::page(as_json, &found.items, found.next_cursor.as_deref(), |p| {
                vec![
                    p.id.to_string(),
                    p.status.to_string(),
                    output::minute(p.updated_at),
                    p.slug.clone(),
                    p.title.clone(),
                ]
            })
        }
        PostCommand::Show { id } => {
            let post = app.db.find_post(id).await?;
            if !as_json {
                return output::raw(&post.markdown);
            }
            let revisions = app.db.revisions(post.id).await?;
            output::json(&json!({"post": post, "revisions": revisions}))
        }
        PostCommand::Export { id, to } => export(&app, id.as_deref(), to, as_json).await,
    }
}

/// One post, whatever its state; without a name, every published one.
async fn export(app: &App, id: Option<&str>, to: &Path, as_json: bool) -> Result<(), Failure> {
    let mut exported: Vec<ArticleFiles> = Vec::new();
    if let Some(id) = id {
        exported.push(write(app, &app.db.find_post(id).await?, to).await?);
    } else {
        let mut cursor = None;
        loop {
            let page = app.db.list_posts(100, cursor.as_deref(), true).await?;
            for summary in &page.items {
                exported.push(write(app, &app.db.find_post(&summary.id.to_string()).await?, to).await?);
            }
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
    }
    if as_json {
        return output::json(&json!({"items": exported, "next_cursor": null}));
    }
    for files in &exported {
        output::line(files.markdown.display().to_string())?;
    }
    eprintln!("{} post(s) written to {}", exported.len(), to.display());
    Ok(())
}

async fn write(app: &App, post: &Post, to: &Path) -> Result<ArticleFiles, Failure> {
    files::write(to, post, &app.db.report(post).await?)
}
