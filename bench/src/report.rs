//! Figures against their bars.

/// One figure with the bar it is held to.
struct Figure {
    name: String,
    value: f64,
    bar: f64,
    at_least: bool,
}

impl Figure {
    fn reached(&self) -> bool {
        if self.at_least {
            self.value >= self.bar
        } else {
            self.value <= self.bar
        }
    }
}

/// All figures of a run.
#[derive(Default)]
pub struct Report {
    figures: Vec<Figure>,
    notes: Vec<String>,
}

impl Report {
    pub fn at_least(&mut self, name: &str, value: f64, bar: f64) {
        self.figures.push(Figure {
            name: name.to_owned(),
            value,
            bar,
            at_least: true,
        });
    }

    pub fn at_most(&mut self, name: &str, value: f64, bar: f64) {
        self.figures.push(Figure {
            name: name.to_owned(),
            value,
            bar,
            at_least: false,
        });
    }

    pub fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    pub fn reached(&self) -> bool {
        self.figures.iter().all(Figure::reached)
    }

    pub fn print(&self) {
        for note in &self.notes {
            println!("  {note}");
        }
        for figure in &self.figures {
            let sign = if figure.at_least { ">=" } else { "<=" };
            let mark = if figure.reached() { "ok  " } else { "MISS" };
            println!(
                "{mark} {:<58} {:>9.3}   (bar {sign} {})",
                figure.name, figure.value, figure.bar
            );
        }
    }
}

/// The middle value; of an even number the upper of the two.
pub fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
