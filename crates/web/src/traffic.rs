//! Requests and connections, as Prometheus counts them. Labels are what the program has: routes as they are written, and
//! never an address that somebody asks for.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};
use std::time::Duration;

/// From a millisecond to ten minutes.
const SECONDS: [f64; 14] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0, 120.0, 600.0];

/// Counters of the server. Cheap to clone: all clones count together.
#[derive(Clone, Debug)]
pub struct Traffic {
    requests: Family<RequestLabels, Counter>,
    seconds: Family<RouteLabels, Histogram>,
    in_flight: Gauge,
    connections: Gauge,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    route: String,
    method: &'static str,
    status: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    route: String,
    method: &'static str,
}

impl Default for Traffic {
    fn default() -> Self {
        Self {
            requests: Family::default(),
            seconds: Family::new_with_constructor(|| Histogram::new(SECONDS)),
            in_flight: Gauge::default(),
            connections: Gauge::default(),
        }
    }
}

/// Something that is there, until it is dropped.
pub(crate) struct Present(Gauge);

impl Present {
    fn of(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Traffic {
    /// Puts the counters where they are read.
    pub fn register(&self, registry: &mut Registry) {
        let help = "Requests whose answer ended, by the class of its status; `left` if nobody waited for one";
        registry.register("http_requests", help, self.requests.clone());
        let help = "How long requests took, to the end of their answer";
        registry.register_with_unit("http_request", help, Unit::Seconds, self.seconds.clone());
        registry.register("http_in_flight", "Requests whose answer has not ended", self.in_flight.clone());
        registry.register("http_connections", "Connections that are open", self.connections.clone());
    }

    pub(crate) fn begins(&self) -> Present {
        Present::of(&self.in_flight)
    }

    pub(crate) fn connects(&self) -> Present {
        Present::of(&self.connections)
    }

    pub(crate) fn answered(&self, route: &str, method: &'static str, status: Option<u16>, took: Duration) {
        let status = match status.map(|status| status / 100) {
            Some(1 | 2) => "2xx",
            Some(3) => "3xx",
            Some(4) => "4xx",
            Some(_) => "5xx",
            None => "left",
        };
        let route = route.to_owned();
        self.seconds.get_or_create(&RouteLabels { route: route.clone(), method }).observe(took.as_secs_f64());
        self.requests.get_or_create(&RequestLabels { route, method, status }).inc();
    }
}
