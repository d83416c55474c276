//! `cofounder schedule`: tasks that come again and again.

use cofounder_domain::format_timestamp;
use cofounder_executor::Rule;
use cofounder_research::Reference;
use cofounder_storage::{Act, Schedule};
use serde_json::{Value, json};

use crate::{app::App, cli::ScheduleCommand, commands::write, failure::Failure, output};

pub(crate) async fn run(app: App, command: &ScheduleCommand, as_json: bool) -> Result<(), Failure> {
    match command {
        ScheduleCommand::Add { name, cron, topic, zone, brief, priority, needs } => {
            let brief = write::brief(topic, brief)?;
            for source in &brief.sources {
                if let Reference::Path(path) =
                    Reference::parse(source).map_err(|e| Failure::of(e.kind(), e))?
                {
                    return Err(Failure::usage(format!(
                        "{} is a path, and a schedule reads its sources anew each time, on any machine. Give addresses. Nothing was stored",
                        path.display()
                    )));
                }
            }
            let now = app.clock.now();
            let rule = Rule::new(cron, zone, now).map_err(Failure::usage)?;
            let schedule = Schedule {
                id: String::new(),
                name: name.clone(),
                cron: cron.clone(),
                zone: zone.clone(),
                brief,
                priority: *priority,
                needs: needs.clone().unwrap_or_default(),
                next_at: rule.after(now),
                last_at: None,
                last_task: None,
                version: 1,
            };
            let added = app.db.by(&Act::OPERATOR).add_schedule(&schedule).await?;
            if as_json {
                return output::json(&shown(&added));
            }
            let next = added.next_at.map(format_timestamp).unwrap_or_default();
            output::line(format!("{name}: next at {next}, if a worker runs then or later"))
        }
        ScheduleCommand::List => {
            let schedules = app.db.schedules().await?;
            let items: Vec<Value> = schedules.iter().map(shown).collect();
            output::page(as_json, &items, None, |item| {
                let text = |key: &str| item[key].as_str().unwrap_or("-").to_owned();
                vec![text("name"), text("cron"), text("zone"), text("next_at"), text("topic")]
            })
        }
        ScheduleCommand::Rm { name } => {
            app.db.by(&Act::OPERATOR).remove_schedule(name).await?;
            output::line(format!("{name} is removed; the tasks that it made stay"))
        }
    }
}

fn shown(schedule: &Schedule) -> Value {
    json!({
        "name": schedule.name,
        "cron": schedule.cron,
        "zone": schedule.zone,
        "topic": schedule.brief.topic,
        "priority": schedule.priority,
        "needs": schedule.needs,
        "next_at": schedule.next_at.map(format_timestamp),
        "last_at": schedule.last_at.map(format_timestamp),
        "last_task": schedule.last_task,
    })
}
