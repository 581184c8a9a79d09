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
    text::escaped,
};
use crate::{State, util::duration::nanos};

const WIDTH: f64 = 960.0;
const LEFT: f64 = 72.0;
const PLOT: f64 = 872.0;
const RIGHT: f64 = LEFT + PLOT;
const TRAFFIC: Band = Band {
    top: 90.0,
    height: 150.0,
};
/// Where the names of the phases stand.
const PHASES: f64 = TRAFFIC.top - 22.0;
/// Rows of a heat map: more instances share rows.
const ROWS: usize = 64;
/// Cells of a row of a heat map.
const CELLS: usize = 218;
/// The states that are drawn one by one: of more, few could be told apart.
const MOST_SPANS: usize = 600;
/// The width of an average character of the text.
const CHARACTER: f64 = 6.9;

struct Band {
    top: f64,
    height: f64,
}

impl Band {
    const fn bottom(&self) -> f64 {
        self.top + self.height
    }
}

const STYLE: &str = "\
text{font:13px system-ui,-apple-system,'Segoe UI',sans-serif;fill:#1f2328}\
.dim{fill:#59636e}.title{font-weight:600}\
.bg{fill:#fff}.down{fill:#d1242f;fill-opacity:.08}.edge{stroke:#59636e;stroke-opacity:.5;stroke-dasharray:2 3}\
.axis{stroke:#59636e;stroke-width:1}.grid{stroke:#59636e;stroke-opacity:.22}\
.answered{fill:#2da44e;fill-opacity:.75}.failed{fill:#cf222e}.overloaded{fill:url(#overloaded)}.refused{fill:url(#refused)}.throttled{fill:url(#throttled)}\
.closed{fill:#2da44e;fill-opacity:.22}.open{fill:url(#open)}.half{fill:url(#half)}.probe{fill:#9a6700}.row{stroke:#fff;stroke-width:.8}\
.frame{fill:none;stroke:#59636e;stroke-opacity:.6}.rule{fill:none;stroke:#0969da;stroke-width:1.6}.area{fill:#0969da;fill-opacity:.13}.threshold{stroke:#cf222e;stroke-width:1.2;stroke-dasharray:6 4}\
.ink{stroke:#57606a}.redink{stroke:#cf222e}.blueink{stroke:#0969da}.soft{fill:#57606a;fill-opacity:.16}.redsoft{fill:#cf222e;fill-opacity:.32}.bluesoft{fill:#0969da;fill-opacity:.14}.amber{fill:#bf8700;fill-opacity:.35}.amberink{fill:#9a6700}.amberline{stroke:#9a6700}\
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.dim{fill:#9198a1}.bg{fill:#0d1117}.row{stroke:#0d1117}.down{fill:#f85149;fill-opacity:.13}\
.answered{fill:#3fb950;fill-opacity:.7}.failed{fill:#f85149}.amberink,.probe{fill:#d29922}.amberline{stroke:#d29922}.closed{fill:#3fb950;fill-opacity:.25}\
.rule,.blueink{stroke:#58a6ff}.area,.bluesoft{fill:#58a6ff;fill-opacity:.17}.threshold,.redink{stroke:#f85149}.redsoft{fill:#f85149;fill-opacity:.35}.ink{stroke:#9198a1}.soft{fill:#9198a1;fill-opacity:.18}\
.axis,.edge,.grid,.frame{stroke:#9198a1}}";

const PATTERNS: &str = "\
<pattern id=\"refused\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\"><rect class=\"soft\" width=\"6\" height=\"6\"/><path class=\"ink\" d=\"M-1 1L1 -1M0 6L6 0M5 7L7 5\" stroke-width=\".9\"/></pattern>\
<pattern id=\"throttled\" width=\"6\" height=\"5\" patternUnits=\"userSpaceOnUse\"><rect class=\"bluesoft\" width=\"6\" height=\"5\"/><path class=\"blueink\" d=\"M0 2.5H6\" stroke-width=\"1.1\"/></pattern>\
<pattern id=\"overloaded\" width=\"4\" height=\"4\" patternUnits=\"userSpaceOnUse\"><rect class=\"amber\" width=\"4\" height=\"4\"/><path class=\"amberline\" d=\"M2 0V4\" stroke-width=\"1.7\"/></pattern>\
<pattern id=\"open\" width=\"5\" height=\"5\" patternUnits=\"userSpaceOnUse\"><rect class=\"redsoft\" width=\"5\" height=\"5\"/><path class=\"redink\" d=\"M-1 -1L6 6M-1 4L1 6M4 -1L6 1\" stroke-width=\"1.3\"/></pattern>\
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
            top: TRAFFIC.bottom() + 22.0,
            height,
        };
        let rule = Band {
            top: ribbon.bottom() + 58.0,
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

    /// Returns where a column of the run begins, or the one before it ends.
    fn x_column(&self, column: usize) -> f64 {
        let width = nanos(self.run.column_width);
        let at = width.saturating_mul(column as u64);
        self.x_nanos(at.min(nanos(self.run.lasts)))
    }

    fn draw(mut self) -> String {
        let height = self.rule.bottom() + 32.0;
        let total = self.run.total();
        let label = format!(
            "Simulated circuit breaker: of {} calls {} were answered, {} failed, {} were refused",
            total.offered,
            total.answered,
            total.failed + total.overloaded,
            total.refused + total.throttled
        );
        self.raw(format_args!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH:.0} {height:.0}\" role=\"img\" aria-label=\"{label}\">\
             <style>{STYLE}</style><defs>{PATTERNS}</defs><rect class=\"bg\" width=\"{WIDTH:.0}\" height=\"{height:.0}\" rx=\"6\"/>"
        ));
        self.title();
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

    fn title(&mut self) {
        let title = self.run.headline();
        let room = CHARACTER * 1.15 * title.chars().count() as f64;
        // Narrower letters for a long one.
        let fit = if room > PLOT {
            format!(" textLength=\"{PLOT:.0}\" lengthAdjust=\"spacingAndGlyphs\"")
        } else {
            String::new()
        };
        self.raw(format_args!(
            "<text class=\"title\" x=\"{LEFT:.1}\" y=\"24\"{fit}>{}</text>",
            escaped(&title)
        ));
    }

    fn legend(&mut self) {
        let total = self.run.total();
        let mut entries = vec![("answered", "answered"), ("failed", "failed")];
        if total.overloaded > 0 {
            entries.push(("overloaded", "overloaded"));
        }
        if total.throttled > 0 {
            entries.push(("throttled", "throttled"));
        }
        entries.extend([
            ("refused", "refused"),
            ("closed", "closed"),
            ("open", "open"),
            ("half", "half-open"),
        ]);
        let mut x = LEFT;
        for (class, name) in entries {
            self.rect(class, x, 38.0, 18.0, 13.0);
            self.text(x + 23.0, 49.0, "dim", "start", name);
            x += 42.0 + CHARACTER * name.len() as f64;
        }
        #[cfg(feature = "fleet")]
        if !self.run.votes.is_empty() {
            self.tick(x + 9.0, 38.0, 13.0);
            self.text(x + 23.0, 49.0, "dim", "start", "vote");
        }
    }

    fn phases(&mut self) {
        // Not between the bands, where there is text.
        let parts = [
            (PHASES, self.ribbon.bottom()),
            (self.rule.top, self.rule.bottom()),
        ];
        let run = self.run;
        for phase in &run.phases {
            let (from, to) = (self.x(phase.start), self.x(phase.end));
            for (top, bottom) in parts {
                if phase.down || phase.figures.failed > phase.figures.answered {
                    self.rect("down", from, top, to - from, bottom - top);
                }
                if phase.start > Duration::ZERO {
                    self.line("edge", (from, top), (from, bottom));
                }
            }
            let name = match phase.name.as_str() {
                "" if phase.down => "down",
                name => name,
            };
            let room = (to - from - 8.0) / CHARACTER;
            if room >= name.chars().count() as f64 {
                self.text(from + 5.0, PHASES + 15.0, "dim", "start", name);
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
        #[allow(clippy::type_complexity, reason = "a class, and how its part is read")]
        let layers: [(&str, fn(&Column) -> u64); 5] = [
            ("answered", |column| column.figures.answered),
            ("failed", |column| column.figures.failed),
            ("overloaded", |column| column.figures.overloaded),
            ("throttled", |column| column.figures.throttled),
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
        for (share, rate) in axis::rates(most, run.column_width) {
            let y = TRAFFIC.bottom() - share * TRAFFIC.height;
            self.line("grid", (LEFT, y), (RIGHT, y));
            self.text(LEFT - 8.0, y + 4.5, "dim", "end", &rate);
        }
    }

    /// Fills what lies between two stepped lines.
    fn layer(&mut self, class: &str, below: &[u64], above: &[u64], scale: f64) {
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
            let x = |at: usize| self.x_column(at);
            let _ = write!(path, "M{:.2} {:.2}", x(column), y(below[column]));
            let forth = (column..end).map(|at| (y(above[at]), x(at + 1)));
            let back = (column..end).rev().map(|at| (y(below[at]), x(at)));
            steps(&mut path, forth);
            steps(&mut path, back);
            path.push('Z');
            column = end;
        }
        self.raw(format_args!("<path class=\"{class}\" d=\"{path}\"/>"));
    }

    fn states(&mut self) {
        let spans = self.run.spans();
        let Band { top, height } = self.ribbon;
        let count = spans.len();
        if let [one] = spans.as_slice() {
            if one.len() <= MOST_SPANS {
                self.ribbon(one);
            } else {
                self.heat_map(&spans);
            }
            self.text(LEFT - 8.0, top + 17.5, "dim", "end", "circuit");
        } else {
            self.heat_map(&spans);
            #[cfg(feature = "fleet")]
            self.votes();
            self.text(
                LEFT - 8.0,
                top + 12.0,
                "dim",
                "end",
                &axis::grouped(count as u64),
            );
            self.text(LEFT - 8.0, top + 28.0, "dim", "end", "circuits");
            if count > ROWS {
                self.text(LEFT - 8.0, top + 50.0, "dim", "end", "a row is");
                self.text(LEFT - 8.0, top + 66.0, "dim", "end", "its worst");
            }
        }
        self.raw(format_args!(
            "<rect class=\"frame\" x=\"{LEFT:.2}\" y=\"{top:.2}\" width=\"{PLOT:.2}\" height=\"{height:.2}\"/>"
        ));
        self.reasons();
    }

    fn ribbon(&mut self, spans: &[Span<'_>]) {
        /// A narrower state would not be seen.
        const NARROW: f64 = 3.0;
        let Band { top, height } = self.ribbon;
        let mut probes = Vec::new();
        for span in spans {
            let (from, to) = (self.x_nanos(span.start), self.x_nanos(span.end));
            if span.state == State::HalfOpen && to - from < NARROW {
                probes.push(from.midpoint(to));
            }
            let width = (to - from).max(1.2);
            let class = class(span.state);
            let Some(reason) = span.reason else {
                self.rect(class, from, top, width, height);
                continue;
            };
            let at = axis::short(Duration::from_nanos(span.start));
            let reason = escaped(&reason.to_string());
            self.raw(format_args!(
                "<rect class=\"{class}\" x=\"{from:.2}\" y=\"{top:.2}\" width=\"{width:.2}\" height=\"{height:.2}\"><title>{at}: {reason}</title></rect>"
            ));
        }
        // Above the states beside them, as pins that stand out.
        for x in probes {
            self.rect("probe", x - 1.0, top - 5.0, 2.0, height + 5.0);
        }
    }

    #[cfg(feature = "fleet")]
    fn tick(&mut self, x: f64, top: f64, height: f64) {
        self.raw(format_args!(
            "<path class=\"blueink\" stroke-width=\"4\" d=\"M{x:.2} {top:.2}v{height:.2}\"/>"
        ));
    }

    /// Marks the votes of a fleet by ticks, in the rows of the instances that voted.
    #[cfg(feature = "fleet")]
    fn votes(&mut self) {
        let run = self.run;
        let rows = run.instances.min(ROWS);
        let Band { top, height } = self.ribbon;
        let row_height = height / rows as f64;
        for (at, instance) in run.votes.iter().take(MOST_SPANS) {
            let (x, row) = (self.x(*at), instance * rows / run.instances);
            let top = top + row as f64 * row_height;
            self.tick(x, top, row_height);
        }
    }

    fn heat_map(&mut self, spans: &[Vec<Span<'_>>]) {
        let rows = spans.len().min(ROWS);
        let Band { top, height } = self.ribbon;
        let (step, row_height) = (PLOT / CELLS as f64, height / rows as f64);
        for row in 0..rows {
            // Of the instances that share a row, the one farthest from closed is shown, or
            // a single bad one would not be seen.
            let sharing = row * spans.len() / rows..(row + 1) * spans.len() / rows;
            let states = spans[sharing]
                .iter()
                .map(|spans| states::columns(spans, CELLS))
                .reduce(|worst, other| {
                    let cells = worst.into_iter().zip(other);
                    cells
                        .map(|(one, other)| {
                            if states::place(other) > states::place(one) {
                                other
                            } else {
                                one
                            }
                        })
                        .collect()
                })
                .unwrap_or_default();
            let mut cell = 0;
            while cell < states.len() {
                let state = states[cell];
                let end = (cell..states.len())
                    .find(|at| states[*at] != state)
                    .unwrap_or(states.len());
                self.rect(
                    class(state),
                    LEFT + step * cell as f64,
                    top + row_height * row as f64,
                    step * (end - cell) as f64,
                    row_height,
                );
                cell = end;
            }
        }
        for row in 1..rows {
            let y = top + row_height * row as f64;
            self.line("row", (LEFT, y), (RIGHT, y));
        }
    }

    /// Marks the openings below the ribbon, and writes their reasons: one that follows
    /// itself once, with how often it does.
    fn reasons(&mut self) {
        let y = self.ribbon.bottom();
        let mut groups: Vec<(f64, String, usize)> = Vec::new();
        let mut marked = f64::NEG_INFINITY;
        for change in &self.run.changes {
            let (State::Open, Some(reason)) = (change.new_state, &change.reason) else {
                continue;
            };
            let x = self.x(change.at);
            if x - marked >= 1.5 {
                self.line("axis", (x, y), (x, y + 6.0));
                marked = x;
            }
            let text = reason.to_string();
            match groups.last_mut() {
                Some((_, last, times)) if *last == text => *times += 1,
                _ => groups.push((x, text, 1)),
            }
        }
        let mut free = LEFT;
        for (x, mut text, times) in groups {
            if times > 1 {
                let _ = write!(text, " ({times} times)");
            }
            let room = CHARACTER * text.chars().count() as f64;
            // Near the right edge it ends at its opening, not begins.
            let (from, anchor) = if x + room > WIDTH {
                (x - room, "end")
            } else {
                (x, "start")
            };
            if from < free {
                continue;
            }
            self.text(x, y + 20.0, "dim", anchor, &text);
            free = from + room + 18.0;
        }
    }

    fn pressure(&mut self) {
        let run = self.run;
        let Band { top, height } = self.rule;
        // One and a half thresholds fit.
        let y = |pressure: f64| top + height - pressure.clamp(0.0, 1.5) / 1.5 * height;
        let bottom = top + height;
        let (mut line, mut area) = (String::new(), String::new());
        let mut columns = run.columns.iter().enumerate().peekable();
        while let Some((first, column)) = columns.next() {
            let Some(pressure) = column.pressure else {
                continue;
            };
            // From one opening to the next: while all circuits are open, nothing is asked,
            // and each time the rule begins anew.
            let (start, mut end) = (self.x_column(first), self.x_column(first + 1));
            let before = if first == 0 { pressure } else { 0.0 };
            let mut part = format!("M{start:.2} {:.2}L{end:.2} {:.2}", y(before), y(pressure));
            while let Some((at, pressure)) = columns
                .next_if(|(_, column)| column.pressure.is_some())
                .and_then(|(at, column)| Some((at, column.pressure?)))
            {
                end = self.x_column(at + 1);
                let _ = write!(part, "L{end:.2} {:.2}", y(pressure));
            }
            if columns.peek().is_some() {
                let _ = write!(part, "V{bottom:.2}");
            }
            line.push_str(&part);
            let _ = write!(area, "{part}V{bottom:.2}H{start:.2}Z");
        }
        self.raw(format_args!("<path class=\"area\" d=\"{area}\"/>"));
        self.raw(format_args!("<path class=\"rule\" d=\"{line}\"/>"));
        self.line("threshold", (LEFT, y(1.0)), (RIGHT, y(1.0)));
        self.text(LEFT - 8.0, y(1.0) + 4.0, "dim", "end", "opens");
        let mut rule: String = run.rule.chars().take(110).collect();
        if rule.len() < run.rule.len() {
            rule.push('…');
        }
        self.text(LEFT, top - 9.0, "dim", "start", &format!("rule: {rule}"));
        self.text(LEFT - 8.0, bottom, "dim", "end", "0");
    }

    fn time(&mut self) {
        let bottom = self.rule.bottom();
        self.line("axis", (LEFT, bottom), (RIGHT, bottom));
        for axis::Mark { at, text } in axis::marks(self.run.lasts, 10) {
            let x = self.x(at);
            let length = if text.is_empty() { 3.0 } else { 6.0 };
            self.line("axis", (x, bottom), (x, bottom + length));
            if text.is_empty() {
                continue;
            }
            // Within the picture at the right edge, too.
            let half = CHARACTER / 2.0 * text.chars().count() as f64;
            let (x, anchor) = if x + half > WIDTH - 4.0 {
                (WIDTH - 4.0, "end")
            } else {
                (x, "middle")
            };
            self.text(x, bottom + 20.0, "dim", anchor, &text);
        }
    }
}

/// Draws steps, each a height and where it ends; equal ones as one.
fn steps(path: &mut String, steps: impl Iterator<Item = (f64, f64)>) {
    let mut steps = steps.peekable();
    while let Some((y, mut end)) = steps.next() {
        while let Some((_, further)) = steps.next_if(|(next, _)| next.total_cmp(&y).is_eq()) {
            end = further;
        }
        let _ = write!(path, "V{y:.2}H{end:.2}");
    }
}

fn class(state: State) -> &'static str {
    match state {
        State::Open | State::ForcedOpen => "open",
        State::HalfOpen => "half",
        _ => "closed",
    }
}
