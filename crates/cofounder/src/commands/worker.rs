//! `cofounder worker`: takes tasks from the queue until it is told to stop.

use cofounder_executor::{Stop, Worker};
use cofounder_publish::Calendar;
use std::sync::Arc;

use crate::{
    app::{App, Files},
    cli::WorkerArgs,
    failure::Failure,
    lifecycle, output,
    workshop::Atelier,
};

pub(crate) async fn run(files: Files, args: &WorkerArgs, json: bool) -> Result<(), Failure> {
    let drain = lifecycle::stop_token().map_err(Failure::failed)?;
    // A worker that is started with its server need not come second.
    let outage = files.config.worker.runs().outage;
    let app = App::open_within(files, outage, &drain).await?;
    let config = &app.files.config;
    let mut settings = config.worker.worker(config.database.notifications);
    settings.concurrency = args.concurrency.unwrap_or(settings.concurrency);
    settings.capabilities.extend(args.capabilities.iter().cloned());
    settings.until_idle = args.until_idle;
    let stop = Stop { drain, ..Stop::default() };
    let executor = app.executor()?;
    let webhooks = app.webhooks()?;
    let app = Arc::new(app);
    let studio = Arc::new(app.studio().await?);
    let atelier = Arc::new(Atelier::new(app.clone(), studio.clone()));
    eprintln!(
        "worker: {} task(s) at a time from {}; ctrl-c ends it after the running steps",
        settings.concurrency, app.files.database
    );
    let calendar = Arc::new(Calendar { db: app.db.clone(), webhooks: webhooks.clone() });
    let worker = Worker::new(executor, atelier, settings).with_courier(webhooks).with_chore(calendar);
    let worked = worker.run(&stop).await;
    studio.close().await;
    let report = worked?;
    if json {
        let report =
            serde_json::json!({"ended": report.ended, "failed": report.failed, "released": report.released});
        return output::json(&report);
    }
    output::line(format!(
        "{} run(s) ended, {} failed, {} released for others",
        report.ended, report.failed, report.released
    ))
}
