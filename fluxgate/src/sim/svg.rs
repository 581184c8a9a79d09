//! A run as a picture: traffic, states and the rule on one axis of time.
//!
//! Everything is told by shape as well as by colour, so that it reads in light, in
//! dark, in print and for people who see no colours.

use std::{
    fmt::{Display, Write},
    time::Duration,
};

use super::{
    Run, axis,
    result::Column,
    states::{self, Span},
};
use crate::{State, util::duration::nanos};

const WIDTH: f64 = 960.0;
const LEFT: f64 = 64.0;
const PLOT: f64 = 880.0;
const RIGHT: f64 = LEFT + PLOT;
const TRAFFIC: Band = Band {
    top: 70.0,
    height: 150.0,
};
/// Rows of a heat map: more instances share rows.
const ROWS: usize = 64;

struct Band {
    top: f64,
    height: f64,
}

impl Band {
    fn bottom(&self) -> f64 {
        self.top + self.height
    }
}

const STYLE: &str = "\
text{font:12px system-ui,-apple-system,'Segoe UI',sans-serif;fill:#1f2328}\
.dim{fill:#59636e}.title{font-weight:600}\
.bg{fill:#fff}.down{fill:#d1242f;fill-opacity:.08}.edge{stroke:#59636e;stroke-opacity:.5;stroke-dasharray:2 3}\
.axis{stroke:#59636e;stroke-width:1}.grid{stroke:#59636e;stroke-opacity:.18}\
.answered{fill:#2da44e;fill-opacity:.75}.failed{fill:#cf222e}.overloaded{fill:#bf8700}.refused{fill:url(#refused)}\
.closed{fill:#2da44e;fill-opacity:.22}.open{fill:url(#open)}.half{fill:url(#half)}\
.frame{fill:none;stroke:#59636e;stroke-opacity:.6}.rule{fill:none;stroke:#0969da;stroke-width:1.6}.area{fill:#0969da;fill-opacity:.13}.threshold{stroke:#cf222e;stroke-width:1.2;stroke-dasharray:6 4}\
.ink{stroke:#57606a}.redink{stroke:#cf222e}.soft{fill:#57606a;fill-opacity:.16}.redsoft{fill:#cf222e;fill-opacity:.32}.amber{fill:#bf8700;fill-opacity:.35}.amberink{fill:#bf8700}\
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.dim{fill:#9198a1}.bg{fill:#0d1117}.down{fill:#f85149;fill-opacity:.13}\
.answered{fill:#3fb950;fill-opacity:.7}.failed{fill:#f85149}.overloaded,.amberink{fill:#d29922}.closed{fill:#3fb950;fill-opacity:.25}\
.rule{stroke:#58a6ff}.area{fill:#58a6ff;fill-opacity:.15}.threshold,.redink{stroke:#f85149}.redsoft{fill:#f85149;fill-opacity:.35}.ink{stroke:#9198a1}.soft{fill:#9198a1;fill-opacity:.18}\
.axis,.edge,.grid,.frame{stroke:#9198a1}}";

const PATTERNS: &str = "\
<pattern id=\"refused\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\"><rect class=\"soft\" width=\"6\" height=\"6\"/><path class=\"ink\" d=\"M0 6L6 0\" stroke-width=\".9\"/></pattern>\
<pattern id=\"open\" width=\"5\" height=\"5\" patternUnits=\"userSpaceOnUse\"><rect class=\"redsoft\" width=\"5\" height=\"5\"/><path class=\"redink\" d=\"M0 0L5 5\" stroke-width=\"1.4\"/></pattern>\
<pattern id=\"half\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\"><rect class=\"amber\" width=\"6\" height=\"6\"/><circle class=\"amberink\" cx=\"3\" cy=\"3\" r=\"1.3\"/></pattern>";

impl Run {
    /// Draws the run as an SVG document: the traffic stacked by what became of it, the
    /// states with the reasons of the openings, and how near the rule was to firing.
    /// Of many instances the states are a heat map, instance by time.
    ///
    /// The same run gives the same bytes on every platform. The picture is made for a
    /// light and a dark background, and reads without colour.
    #[must_use]
    pub fn svg(&self) -> String {
        Drawing::new(self).draw()
    }
}

struct Drawing<'a> {
    run: &'a Run,
    out: String,
    ribbon: Band,
    rule: Band,
}

impl<'a> Drawing<'a> {
    fn new(run: &'a Run) -> Self {
        let rows = run.instances.min(ROWS);
        let height = if rows == 1 {
            26.0
        } else {
            (rows as f64 * 8.0).clamp(40.0, 192.0)
        };
        let ribbon = Band {
            top: TRAFFIC.bottom() + 26.0,
            height,
        };
        let rule = Band {
            top: ribbon.bottom() + 44.0,
            height: 64.0,
        };
        Self {
            run,
            out: String::new(),
            ribbon,
            rule,
        }
    }

    fn x(&self, at: Duration) -> f64 {
        self.x_nanos(nanos(at))
    }

    fn x_nanos(&self, at: u64) -> f64 {
        LEFT + PLOT * (at as f64 / nanos(self.run.lasts).max(1) as f64)
    }

    fn draw(mut self) -> String {
        let height = self.rule.bottom() + 30.0;
        let total = self.run.total();
        let label = format!(
            "Simulated circuit breaker: of {} calls {} were answered, {} failed, {} were refused",
            total.offered,
            total.answered,
            total.failed + total.overloaded,
            total.refused
        );
        self.raw(format_args!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH:.0} {height:.0}\" role=\"img\" aria-label=\"{label}\">\
             <style>{STYLE}</style><defs>{PATTERNS}</defs><rect class=\"bg\" width=\"{WIDTH:.0}\" height=\"{height:.0}\" rx=\"6\"/>"
        ));
        self.legend();
        self.phases();
        self.traffic();
        self.states();
        self.pressure();
        self.time();
        self.out.push_str("</svg>\n");
        self.out
    }

    fn raw(&mut self, text: impl Display) {
        let _ = writeln!(self.out, "{text}");
    }

    fn text(&mut self, x: f64, y: f64, class: &str, anchor: &str, text: &str) {
        let text = escaped(text);
        self.raw(format_args!(
            "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{text}</text>"
        ));
    }

    fn rect(&mut self, class: &str, x: f64, y: f64, width: f64, height: f64) {
        self.raw(format_args!(
            "<rect class=\"{class}\" x=\"{x:.2}\" y=\"{y:.2}\" width=\"{width:.2}\" height=\"{height:.2}\"/>"
        ));
    }

    fn line(&mut self, class: &str, from: (f64, f64), to: (f64, f64)) {
        self.raw(format_args!(
            "<path class=\"{class}\" d=\"M{:.2} {:.2}L{:.2} {:.2}\"/>",
            from.0, from.1, to.0, to.1
        ));
    }

    fn legend(&mut self) {
        let total = self.run.total();
        let mut entries = vec![("answered", "answered"), ("failed", "failed")];
        if total.overloaded > 0 {
            entries.push(("overloaded", "overloaded"));
        }
        entries.extend([
            ("refused", "refused"),
            ("closed", "closed"),
            ("open", "open"),
            ("half", "half-open"),
        ]);
        let mut x = LEFT;
        for (class, name) in entries {
            self.rect(class, x, 14.0, 16.0, 12.0);
            self.text(x + 21.0, 24.5, "dim", "start", name);
            x += 40.0 + 7.0 * name.len() as f64;
        }
    }

    fn phases(&mut self) {
        let top = TRAFFIC.top - 24.0;
        let bottom = self.rule.bottom();
        let run = self.run;
        for phase in &run.phases {
            let (from, to) = (self.x(phase.start), self.x(phase.end));
            if phase.down || phase.figures.failed > phase.figures.answered {
                self.rect("down", from, top, to - from, bottom - top);
            }
            if phase.start > Duration::ZERO {
                self.line("edge", (from, top), (from, bottom));
            }
            let name = match phase.name.as_str() {
                "" if phase.down => "down",
                name => name,
            };
            let room = (to - from - 8.0) / 6.6;
            if room >= name.chars().count() as f64 {
                self.text(from + 5.0, top + 14.0, "dim", "start", name);
            }
        }
    }

    fn traffic(&mut self) {
        let run = self.run;
        let most = run
            .columns
            .iter()
            .map(|column| column.figures.offered)
            .max()
            .unwrap_or(0)
            .max(1);
        let scale = TRAFFIC.height / most as f64;
        self.line("grid", (LEFT, TRAFFIC.top), (RIGHT, TRAFFIC.top));
        let layers: [(&str, fn(&Column) -> u64); 4] = [
            ("answered", |column| column.figures.answered),
            ("failed", |column| column.figures.failed),
            ("overloaded", |column| column.figures.overloaded),
            ("refused", |column| column.figures.refused),
        ];
        let mut below = vec![0_u64; run.columns.len()];
        for (class, part) in layers {
            let above: Vec<u64> = run
                .columns
                .iter()
                .zip(&below)
                .map(|(column, below)| below + part(column))
                .collect();
            if above != below {
                self.layer(class, &below, &above, scale);
            }
            below = above;
        }
        self.line("axis", (LEFT, TRAFFIC.bottom()), (RIGHT, TRAFFIC.bottom()));
        let per_second = axis::rate((most * run.columns.len() as u64) as f64, run.lasts);
        self.text(LEFT - 8.0, TRAFFIC.top + 10.0, "dim", "end", &per_second);
        self.text(LEFT - 8.0, TRAFFIC.top + 26.0, "dim", "end", "calls");
    }

    /// Fills what lies between two stepped lines.
    fn layer(&mut self, class: &str, below: &[u64], above: &[u64], scale: f64) {
        let step = PLOT / above.len() as f64;
        let y = |calls: u64| TRAFFIC.bottom() - calls as f64 * scale;
        let mut path = String::new();
        let mut column = 0;
        while column < above.len() {
            if above[column] == below[column] {
                column += 1;
                continue;
            }
            let end = (column..above.len())
                .find(|at| above[*at] == below[*at])
                .unwrap_or(above.len());
            let x = |at: usize| LEFT + step * at as f64;
            let _ = write!(path, "M{:.2} {:.2}", x(column), y(below[column]));
            for at in column..end {
                let _ = write!(path, "V{:.2}H{:.2}", y(above[at]), x(at + 1));
            }
            for at in (column..end).rev() {
                let _ = write!(path, "V{:.2}H{:.2}", y(below[at]), x(at));
            }
            path.push('Z');
            column = end;
        }
        self.raw(format_args!("<path class=\"{class}\" d=\"{path}\"/>"));
    }

    fn states(&mut self) {
        let spans = self.run.spans();
        let Band { top, height } = self.ribbon;
        if let [spans] = spans.as_slice() {
            self.ribbon(spans);
            self.text(LEFT - 8.0, top + 17.0, "dim", "end", "circuit");
        } else {
            self.heat_map(&spans);
            self.text(LEFT - 8.0, top + 12.0, "dim", "end", "circuits");
            let count = self.run.instances.to_string();
            self.text(LEFT - 8.0, top + 28.0, "dim", "end", &count);
        }
        self.raw(format_args!(
            "<rect class=\"frame\" x=\"{LEFT:.2}\" y=\"{top:.2}\" width=\"{PLOT:.2}\" height=\"{height:.2}\"/>"
        ));
        self.reasons();
    }

    fn ribbon(&mut self, spans: &[Span]) {
        let Band { top, height } = self.ribbon;
        for span in spans {
            let (from, to) = (self.x_nanos(span.start), self.x_nanos(span.end));
            // A state too short to see is still seen.
            self.rect(class(span.state), from, top, (to - from).max(1.2), height);
        }
    }

    fn heat_map(&mut self, spans: &[Vec<Span>]) {
        const COLUMNS: usize = 220;
        let rows = spans.len().min(ROWS);
        let Band { top, height } = self.ribbon;
        let (step, row_height) = (PLOT / COLUMNS as f64, height / rows as f64);
        for row in 0..rows {
            // Of the instances that share a row, the middle one stands for all.
            let instance = (2 * row + 1) * spans.len() / (2 * rows);
            let states = states::columns(&spans[instance], COLUMNS);
            let mut column = 0;
            while column < COLUMNS {
                let state = states[column];
                let end = (column..COLUMNS)
                    .find(|at| states[*at] != state)
                    .unwrap_or(COLUMNS);
                self.rect(
                    class(state),
                    LEFT + step * column as f64,
                    top + row_height * row as f64,
                    step * (end - column) as f64,
                    row_height,
                );
                column = end;
            }
        }
    }

    /// Writes the reasons of openings below the ribbon, as many as have room.
    fn reasons(&mut self) {
        let run = self.run;
        let y = self.ribbon.bottom();
        let mut free = LEFT;
        for change in &run.changes {
            let (State::Open, Some(reason)) = (change.new_state, &change.reason) else {
                continue;
            };
            let x = self.x(change.at);
            let text = reason.to_string();
            let room = 6.4 * text.chars().count() as f64;
            if x < free {
                continue;
            }
            self.line("axis", (x, y), (x, y + 7.0));
            let (start, anchor) = if x + room > RIGHT {
                (RIGHT.min(x + 4.0), "end")
            } else {
                (x, "start")
            };
            if anchor == "end" && x - room < free {
                continue;
            }
            self.text(start, y + 19.0, "dim", anchor, &text);
            free = x + room + 16.0;
        }
    }

    fn pressure(&mut self) {
        let run = self.run;
        let Band { top, height } = self.rule;
        // One and a half thresholds fit.
        let y = |pressure: f64| top + height - pressure.clamp(0.0, 1.5) / 1.5 * height;
        let step = PLOT / run.columns.len().max(1) as f64;
        let mut line = String::new();
        for (at, column) in run.columns.iter().enumerate() {
            let x = LEFT + step * (at as f64 + 1.0);
            let start = if at == 0 { 'M' } else { 'L' };
            let _ = write!(line, "{start}{x:.2} {:.2}", y(column.pressure));
        }
        let bottom = top + height;
        self.raw(format_args!(
            "<path class=\"area\" d=\"{line}V{bottom:.2}H{:.2}Z\"/>",
            LEFT + step
        ));
        self.raw(format_args!("<path class=\"rule\" d=\"{line}\"/>"));
        self.line("threshold", (LEFT, y(1.0)), (RIGHT, y(1.0)));
        self.text(LEFT - 8.0, y(1.0) + 4.0, "dim", "end", "opens");
        let mut rule: String = run.rule.chars().take(110).collect();
        if rule.len() < run.rule.len() {
            rule.push('…');
        }
        let label = format!("rule: {rule}");
        self.text(LEFT + 2.0, top - 6.0, "dim", "start", &label);
        self.text(LEFT - 8.0, bottom, "dim", "end", "0");
    }

    fn time(&mut self) {
        let bottom = self.rule.bottom();
        self.line("axis", (LEFT, bottom), (RIGHT, bottom));
        for mark in axis::marks(self.run.lasts, 10) {
            let x = self.x(mark);
            self.line("axis", (x, bottom), (x, bottom + 5.0));
            // Within the picture at the right edge, too.
            let text = axis::text(mark);
            let half = 3.5 * text.chars().count() as f64;
            let (x, anchor) = if x + half > WIDTH - 4.0 {
                (WIDTH - 4.0, "end")
            } else {
                (x, "middle")
            };
            self.text(x, bottom + 18.0, "dim", anchor, &text);
        }
    }
}

fn class(state: State) -> &'static str {
    match state {
        State::Open | State::ForcedOpen => "open",
        State::HalfOpen => "half",
        _ => "closed",
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // Not allowed in XML.
            control if control.is_control() => out.push('\u{FFFD}'),
            other => out.push(other),
        }
    }
    out
}
