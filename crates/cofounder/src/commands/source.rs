//! `cofounder source`: stored sources.

use crate::{app::App, cli::SourceCommand, failure::Failure, output};

pub(crate) async fn run(app: App, command: &SourceCommand, json: bool) -> Result<(), Failure> {
    match command {
        SourceCommand::List(page) => {
            let found = app.db.list_sources(page.limit, page.cursor.as_deref()).await?;
            output::page(json, &found.items, found.next_cursor.as_deref(), |s| {
                vec![s.id.to_string(), format!("{} bytes", s.bytes), s.title.clone(), s.uri.clone()]
            })
        }
        SourceCommand::Show { id } => {
            let source = app.db.source(id).await?;
            if json {
                return output::json(&source);
            }
            output::raw(&source.text)
        }
    }
}
