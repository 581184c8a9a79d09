//! A panel of lines: how the cost grows.

use super::{
    number::figures,
    plot::{Panel, colour},
    svg::{Anchor, Svg},
};
use crate::{
    measure::Times,
    suite::{Role, Subject},
};

/// For each subject its points.
pub type Lines = Vec<(Subject, Vec<(u64, Times)>)>;

const LEFT: f64 = 40.0;
const RIGHT: f64 = 140.0;
const HEAD: f64 = 28.0;
const FOOT: f64 = 18.0;
const OURS: [&str; 2] = ["#0969da", "#8250df"];

pub fn draw(svg: &mut Svg, panel: Panel, title: &str, lines: &Lines) {
    let title = format!("growth with the {title}: ns a call");
    svg.text((panel.x, panel.y + 12.0), Anchor::Start, "title", &title);
    let points = || lines.iter().flat_map(|(_, points)| points);
    let most = points().map(|(_, times)| times.median).fold(1.0, f64::max) * 1.1;
    let last = points().map(|(at, _)| *at).max().unwrap_or(1);
    let (left, right) = (panel.x + LEFT, panel.x + panel.width - RIGHT);
    let (top, bottom) = (panel.y + HEAD, panel.y + panel.height - FOOT);
    let first = points().map(|(at, _)| *at).min().unwrap_or(1);
    let span = (last as f64 / first as f64).ln().max(f64::MIN_POSITIVE);
    let x = |at: u64| left + (right - left) * (at as f64 / first as f64).ln() / span;
    let y = |value: f64| bottom - (bottom - top) * value / most;

    for quarter in 0..=4 {
        let value = most * f64::from(quarter) / 4.0;
        svg.line((left, y(value)), (right, y(value)), "#d0d7de");
        let label = (left - 4.0, y(value) + 4.0);
        svg.text(label, Anchor::End, "faint", &figures(value));
    }
    if let Some((_, points)) = lines.first() {
        for (at, _) in points {
            let label = figures(*at as f64);
            let label = label.trim_end_matches(".0");
            svg.text((x(*at), bottom + 14.0), Anchor::Middle, "faint", label);
        }
    }
    let mut ours = OURS.iter().cycle();
    let mut lowest = f64::INFINITY;
    let mut sorted: Vec<_> = lines.iter().collect();
    sorted.sort_by(|one, other| end(one).total_cmp(&end(other)));
    for (subject, points) in sorted {
        let stroke = match subject.role {
            Role::Ours => ours.next().copied().unwrap_or(OURS[0]),
            role => colour(role),
        };
        let places: Vec<(f64, f64)> = points
            .iter()
            .map(|(at, times)| (x(*at), y(times.median)))
            .collect();
        svg.path(&places, stroke);
        for place in &places {
            svg.circle(*place, stroke);
        }
        // From the lowest up, no label on top of another.
        lowest = (lowest - 13.0).min(y(end(&(*subject, points.clone()))));
        svg.circle((right + 12.0, lowest), stroke);
        svg.text(
            (right + 18.0, lowest + 4.0),
            Anchor::Start,
            "",
            subject.name,
        );
    }
}

/// Where a line ends.
fn end((_, points): &(Subject, Vec<(u64, Times)>)) -> f64 {
    points.last().map_or(0.0, |(_, times)| times.median)
}
