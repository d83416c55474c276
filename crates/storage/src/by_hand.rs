//! Posts that a person writes by hand. A task stands for each, so that it is approved, scheduled and looked after like any
//! other; no workflow runs it, and no check has seen its text.

use cofounder_domain::{
    Brief, Gate, MAX_WORDS, MIN_WORDS, Post, RailResult, Report, Status, TaskId, Verdict, slugify, word_count,
};

use crate::{
    Acting, StorageError, Terms,
    categories::put_categories,
    creation::insert,
    drafts::new_post,
    posts::by_id,
    revisions::{NewRevision, add_revision},
    sql::{Sql, id, values},
    tags::{self, put_tags},
    tasks::shift,
    wake::tell_others,
    wording::{address, description, markdown, title},
    work::transaction,
};

/// A post that a person writes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewPost {
    /// Its title.
    pub title: String,
    /// One or two sentences.
    pub description: String,
    /// CommonMark.
    pub markdown: String,
    /// The address that it would like; made from the title if absent.
    pub slug: Option<String>,
    /// Its tags.
    pub tags: Vec<String>,
    /// Its categories, by their slugs.
    pub categories: Vec<String>,
}

impl Acting<'_> {
    /// Stores a post that a person wrote, with a task that stands for it and waits for approval. No check has seen it,
    /// and it rests on no source: it says so, and only an approval with a reason publishes it.
    ///
    /// # Errors
    /// [`StorageError::Invalid`] if something given makes no sense; nothing is stored then.
    pub async fn write_post(&self, new: &NewPost) -> Result<Post, StorageError> {
        let new = new.checked()?;
        let post = transaction!(self.db, |sql| {
            let (task, _) = insert(&sql, &brief(&new)?, &[], &Terms::default()).await?;
            sql.run("UPDATE tasks SET by_hand = 1 WHERE id = $1", values![id(task)]).await?;
            let author = self.act.actor.name();
            written(&sql, task, &format!("written by {author}")).await?;
            let slug = new.slug.clone().unwrap_or_else(|| slugify(&new.title));
            let post = new_post(&sql, task, &slug).await?;
            let report = nothing_measured(&new.markdown);
            add_revision(&sql, post, &by_hand(&new, author, &report)).await?;
            put_tags(&sql, post, &[], &new.tags).await?;
            put_categories(&sql, post, &[], &new.categories).await?;
            let post = by_id(&sql, post).await?;
            self.told(&sql, &post, "written", &post.slug).await?;
            tell_others(&sql).await?;
            Ok(post)
        })
        .await?;
        self.db.ring();
        Ok(post)
    }
}

/// Takes a task that is just made to where its draft waits, in the steps that the table of statuses allows.
pub(crate) async fn written(sql: &Sql<'_>, task: TaskId, reason: &str) -> Result<(), StorageError> {
    shift(sql, task, Status::InProgress, reason, None).await?;
    shift(sql, task, Status::AwaitingApproval, reason, None).await
}

fn brief(new: &NewPost) -> Result<Brief, StorageError> {
    let words = u64::try_from(word_count(&new.markdown)).unwrap_or(u64::MAX);
    let words = words.clamp(u64::from(MIN_WORDS), u64::from(MAX_WORDS));
    let brief = Brief::new(&new.title, words, Vec::new(), None);
    brief.map_err(|error| StorageError::Invalid(format!("the title: {error}. Nothing was stored")))
}

fn by_hand<'a>(new: &'a NewPost, author: &'a str, report: &'a Report) -> NewRevision<'a> {
    NewRevision {
        title: &new.title,
        description: &new.description,
        tags: &new.tags,
        markdown: &new.markdown,
        gate: Gate::Blocked,
        degraded: &[],
        report: Some(report),
        report_of: None,
        checked: false,
        edited_by: Some(author),
    }
}

/// The report of a text that nothing was measured of.
fn nothing_measured(markdown: &str) -> Report {
    let reason = "a person wrote the text by hand: it rests on no stored source".to_owned();
    let (rail, verdict) = ("grounding".to_owned(), Verdict::Skipped);
    Report {
        sources: Vec::new(),
        claims: Vec::new(),
        rails: vec![RailResult { rail, version: 1, blocking: true, verdict, reason, spans: Vec::new() }],
        calls: Vec::new(),
        removed: Vec::new(),
        degraded: Vec::new(),
        draft: markdown.to_owned(),
        notes: Vec::new(),
    }
}

impl NewPost {
    fn checked(&self) -> Result<Self, StorageError> {
        Ok(Self {
            title: title(&self.title)?,
            description: description(&self.description)?,
            markdown: markdown(&self.markdown)?,
            slug: self.slug.as_deref().map(address).transpose()?,
            tags: tags::checked(&self.tags)?,
            categories: self.categories.clone(),
        })
    }
}
