//! `cofounder worker`: takes tasks from the queue until it is told to stop.

use cofounder_executor::{Stop, Worker};
use cofounder_publish::Calendar;
use std::sync::Arc;

use crate::{
    app::{App, Files},
    cli::{Global, WorkerArgs},
    commands::serve::report,
    failure::Failure,
    faults::Faults,
    lifecycle::{self, Manager},
    logging::{self, say},
    output,
    parts::{Doing, components},
    reload,
    workshop::Atelier,
};

pub(crate) async fn run(global: &Global, args: &WorkerArgs) -> Result<(), Failure> {
    let (drain, hangups) =
        (lifecycle::stop_token().map_err(Failure::failed)?, lifecycle::hangups().map_err(Failure::failed)?);
    let (files, problems) = Files::look(global)?;
    logging::configure(&files.config.log);
    let faults = Faults::find(&files, problems, None).await;
    if !faults.is_empty() {
        return faults.and_database(&files).await.told();
    }
    // A worker that is started with its server need not come second.
    let outage = files.config.worker.runs().outage;
    let app = App::open_within(files, outage, &drain).await?;
    let app = Arc::new(app);
    let config = &app.files.config;
    let mut settings = config.worker.worker(config.database.notifications);
    settings.concurrency = args.concurrency.unwrap_or(settings.concurrency);
    settings.capabilities.extend(args.capabilities.iter().cloned());
    settings.until_idle = args.until_idle;
    let stop = Stop { drain, ..Stop::default() };
    let executor = app.executor()?;
    let webhooks = app.webhooks()?;
    let studio = Arc::new(app.studio().await?);
    let atelier = Arc::new(Atelier::new(app.clone(), studio.clone()));
    report(&components(&app, &studio, Doing { serves: false, works: Some(true) }).await);
    say(format!(
        "worker: {} task(s) at a time from {}; ctrl-c ends it after the running steps",
        settings.concurrency, app.files.database
    ));
    let reloading =
        tokio::spawn(reload::at_each_signal(hangups, global.clone(), config.written.clone(), None));
    Manager.ready();
    let calendar = Arc::new(Calendar { db: app.db.clone(), webhooks: webhooks.clone() });
    let worker = Worker::new(executor, atelier, settings).with_courier(webhooks).with_chore(calendar);
    let worked = worker.run(&stop).await;
    reloading.abort();
    studio.close().await;
    let report = worked?;
    if global.json {
        let report =
            serde_json::json!({"ended": report.ended, "failed": report.failed, "released": report.released});
        return output::json(&report);
    }
    output::line(format!(
        "{} run(s) ended, {} failed, {} released for others",
        report.ended, report.failed, report.released
    ))
}
