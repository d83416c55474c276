//! How things stand at this moment, for whoever reads the metrics: what the process itself knows.

use cofounder_domain::Timestamp;
use cofounder_metering::Meter;
use cofounder_providers::TargetState;
use cofounder_storage::Database;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
    registry::Unit,
};
use std::{fmt, sync::Arc};

/// Reads the gauges when it is asked to.
#[derive(Debug)]
pub(crate) struct Gauges {
    pub(crate) meter: Arc<Meter>,
    pub(crate) db: Arc<Database>,
}

impl Collector for Gauges {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        self.router(&mut encoder)?;
        self.pool(&mut encoder)?;
        let help = "Calls that ended and are not in the ledger yet";
        gauge(&mut encoder, "ledger_unwritten", help, count(self.meter.unwritten()))
    }
}

impl Gauges {
    fn router(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let health = self.meter.router().health();
        let help = "Whether a target can be asked: 0 ready, 1 asked for a pause, 2 rests after failures";
        let mut states = encoder.encode_descriptor("breaker_state", help, None, MetricType::Gauge)?;
        for target in health.iter().flat_map(|provider| &provider.targets) {
            let state = match target.state {
                TargetState::Ready => 0_i64,
                TargetState::Cooling(_) => 1,
                TargetState::Resting(_) => 2,
            };
            let labels = [("model", target.target.as_str())];
            ConstGauge::new(state).encode(states.encode_family(&labels)?)?;
        }
        let help = "Calls that wait for a place with a provider";
        let mut waiting = encoder.encode_descriptor("provider_waiting", help, None, MetricType::Gauge)?;
        for provider in &health {
            let labels = [("provider", provider.name.as_str())];
            ConstGauge::new(count(provider.waiting)).encode(waiting.encode_family(&labels)?)?;
        }
        Ok(())
    }

    fn pool(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let (connections, begun) = (self.db.connections(), self.db.begun());
        let help = "Connections to the database that are open";
        gauge(encoder, "database_connections", help, i64::from(connections.open))?;
        let help = "Open connections to the database that nobody uses";
        gauge(encoder, "database_connections_idle", help, i64::from(connections.idle))?;
        let help = "Transactions that were begun";
        ConstCounter::new(begun.transactions).encode(encoder.encode_descriptor(
            "database_transactions",
            help,
            None,
            MetricType::Counter,
        )?)?;
        let help = "How long transactions waited for their turn, a connection, and their beginning, together";
        let unit = Some(&Unit::Seconds);
        ConstCounter::new(begun.waited.as_secs_f64()).encode(encoder.encode_descriptor(
            "database_wait",
            help,
            unit,
            MetricType::Counter,
        )?)
    }
}

/// The process, in the names that every program uses for it.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) began: Timestamp,
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let began = ConstGauge::new(self.began.timestamp_millis() as f64 / 1_000.0);
        let help = "When the process began, since 1970";
        began.encode(encoder.encode_descriptor(
            "process_start_time",
            help,
            Some(&Unit::Seconds),
            MetricType::Gauge,
        )?)?;
        if let Some(memory) = memory_stats::memory_stats() {
            let resident = ConstGauge::new(count(memory.physical_mem));
            let help = "Memory of the process";
            let unit = Some(&Unit::Bytes);
            resident.encode(encoder.encode_descriptor(
                "process_resident_memory",
                help,
                unit,
                MetricType::Gauge,
            )?)?;
        }
        if let Ok(open) = std::fs::read_dir("/proc/self/fd") {
            // One of them reads the folder.
            let open = count(open.count().saturating_sub(1));
            gauge(&mut encoder, "process_open_fds", "File descriptors of the process", open)?;
        }
        Ok(())
    }
}

pub(crate) fn gauge(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: i64) -> fmt::Result {
    ConstGauge::new(value).encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)
}

pub(crate) fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
