//! The table that a run prints.

use std::time::Duration;

/// Rows of what, figure, floor, ratio.
#[derive(Default)]
pub(crate) struct Table(Vec<[String; 4]>);

impl Table {
    /// A figure with its floor and their ratio; shown at once as well, since a run takes minutes.
    pub(crate) fn row(&mut self, what: &str, figure: String, floor: String, ratio: Option<f64>) {
        let ratio = ratio.map_or_else(String::new, |ratio| format!("{ratio:.2}"));
        println!("{what}: {figure}  floor {floor}  ratio {ratio}");
        self.0.push([what.to_owned(), figure, floor, ratio]);
    }

    /// A figure that has no floor.
    pub(crate) fn fact(&mut self, what: &str, figure: String) {
        self.row(what, figure, "-".to_owned(), None);
    }

    pub(crate) fn print(&self) {
        println!("\n| what | figure | floor | ratio |\n|---|---|---|---|");
        for [what, figure, floor, ratio] in &self.0 {
            println!("| {what} | {figure} | {floor} | {ratio} |");
        }
    }
}

/// Durations, to be asked for percentiles.
pub(crate) struct Sample(Vec<Duration>);

impl Sample {
    pub(crate) fn new(mut durations: Vec<Duration>) -> Self {
        durations.sort_unstable();
        Self(durations)
    }

    /// In milliseconds; `per_mille` of the sample is not above it.
    pub(crate) fn at(&self, per_mille: usize) -> f64 {
        let place = (self.0.len() * per_mille).div_ceil(1000).saturating_sub(1);
        self.0.get(place).map_or(f64::NAN, |d| d.as_secs_f64() * 1000.0)
    }

    pub(crate) fn show(&self) -> String {
        let last = self.at(1000);
        format!(
            "p50 {:.2} ms, p99 {:.2} ms, longest {last:.2} ms of {}",
            self.at(500),
            self.at(990),
            self.0.len()
        )
    }
}
