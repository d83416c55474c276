//! `cofounder post`: articles.

use cofounder_domain::Post;
use cofounder_storage::{Act, PostFilter};
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
            let found = app.db.list_posts(page.limit, page.cursor.as_deref(), &PostFilter::default()).await?;
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
            let revisions = app.db.revisions(post.id, u64::from(u32::MAX), None).await?.items;
            output::json(&json!({"post": post, "revisions": revisions}))
        }
        PostCommand::Unpublish { id } => {
            let (post, webhooks) = (app.db.find_post(id).await?, app.webhooks()?);
            let act = Act::OPERATOR;
            let by = app.db.by(&act);
            let post = by.unpublish(&post.id.to_string(), |post| webhooks.retractions(post)).await?;
            stands(&post, "is off the site; `cofounder post publish` puts it back", as_json)
        }
        PostCommand::Publish { id, override_reason } => {
            let (post, webhooks) = (app.db.find_post(id).await?, app.webhooks()?);
            let (act, reason) = (Act::OPERATOR, override_reason.as_deref());
            let by = app.db.by(&act);
            let told = |post: &Post| webhooks.announcements(post);
            let post = by.publish_again(&post.id.to_string(), reason, told).await?;
            stands(&post, "is live", as_json)
        }
        PostCommand::Export { id, to } => export(&app, id.as_deref(), to, as_json).await,
    }
}

fn stands(post: &Post, how: &str, as_json: bool) -> Result<(), Failure> {
    if as_json { output::json(post) } else { output::line(format!("{} {how}", post.slug)) }
}

/// One post, whatever its state; without a name, every published one.
async fn export(app: &App, id: Option<&str>, to: &Path, as_json: bool) -> Result<(), Failure> {
    let mut exported: Vec<ArticleFiles> = Vec::new();
    if let Some(id) = id {
        exported.push(write(app, &app.db.find_post(id).await?, to).await?);
    } else {
        let mut cursor = None;
        loop {
            let page = app.db.list_posts(100, cursor.as_deref(), &PostFilter::live()).await?;
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
