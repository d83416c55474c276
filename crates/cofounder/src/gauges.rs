//! How things stand at this moment, for whoever reads the metrics: breakers, queues, the ledger.

use cofounder_metering::Meter;
use cofounder_providers::TargetState;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, gauge::ConstGauge},
};
use std::{fmt, sync::Arc};

/// Reads the gauges when it is asked to.
#[derive(Debug)]
pub(crate) struct Gauges(Arc<Meter>);

impl Gauges {
    pub(crate) fn new(meter: Arc<Meter>) -> Self {
        Self(meter)
    }
}

impl Collector for Gauges {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let health = self.0.router().health();
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
            let count = i64::try_from(provider.waiting).unwrap_or(i64::MAX);
            ConstGauge::new(count).encode(waiting.encode_family(&labels)?)?;
        }
        let help = "Calls that ended and are not in the ledger yet";
        let unwritten = ConstGauge::new(i64::try_from(self.0.unwritten()).unwrap_or(i64::MAX));
        unwritten.encode(encoder.encode_descriptor("ledger_unwritten", help, None, MetricType::Gauge)?)
    }
}
