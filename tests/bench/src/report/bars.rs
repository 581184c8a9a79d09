//! A panel of bars on a logarithmic scale.

use super::{
    number::figures,
    plot::{Panel, colour},
    svg::{Anchor, Svg},
};
use crate::{
    measure::Times,
    suite::{Role, Subject},
};

pub struct Bar {
    pub subject: Subject,
    pub times: Times,
}

const LABELS: f64 = 210.0;
const NUMBERS: f64 = 60.0;
const HEAD: f64 = 28.0;
/// The scale begins here: what takes less has a bar of no length.
const LEAST: f64 = 0.2;

pub fn draw(svg: &mut Svg, panel: Panel, title: &str, bars: &[Bar]) {
    let title = format!("{title}: ns a call");
    svg.text((panel.x, panel.y + 12.0), Anchor::Start, "title", &title);
    let most = bars.iter().map(|bar| bar.times.upper).fold(10.0, f64::max);
    let left = panel.x + LABELS;
    let room = panel.width - LABELS - NUMBERS;
    let x = |value: f64| {
        let share = (value.max(LEAST) / LEAST).ln() / (most / LEAST).ln();
        left + room * share.min(1.0)
    };
    let (top, bottom) = (panel.y + HEAD, panel.y + panel.height);
    let step = ((bottom - top) / bars.len().max(1) as f64).min(20.0);
    let bottom = top + step * bars.len() as f64;
    // Not so many that their labels touch.
    let ratio = if most >= 10_000.0 { 100.0 } else { 10.0 };
    let decades = std::iter::successors(Some(1.0), |decade| Some(decade * ratio));
    for decade in decades.take_while(|decade| *decade <= most) {
        svg.line((x(decade), top), (x(decade), bottom), "#d0d7de");
        let label = figures(decade);
        let label = label.trim_end_matches(".0");
        svg.text((x(decade), top - 3.0), Anchor::Middle, "faint", label);
    }
    for (row, Bar { subject, times }) in bars.iter().enumerate() {
        let y = top + step * row as f64;
        let middle = y + step / 2.0;
        let class = if subject.role == Role::Ours {
            "ours"
        } else {
            ""
        };
        svg.text((left - 6.0, middle + 4.0), Anchor::End, class, subject.name);
        let length = x(times.median) - left;
        svg.rect((left, y + 2.0), (length, step - 4.0), colour(subject.role));
        svg.line(
            (x(times.lower), middle),
            (x(times.upper), middle),
            "#24292f",
        );
        let number = (x(times.upper) + 5.0, middle + 4.0);
        svg.text(number, Anchor::Start, class, &figures(times.median));
    }
}
