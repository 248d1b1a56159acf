//! Text in columns, for terminals: a funnel of indented figures, plain tables, bars.

use comfy_table::presets::NOTHING;
use comfy_table::{Cell, CellAlignment, ContentArrangement, Row, Table};

use super::figures::{harmless, number, percent};

/// A table without lines; cells wrap when a width is given. The columns whose numbers are given are aligned to the right.
pub(super) fn table(width: Option<u16>, header: &[&str], rows: Vec<Vec<String>>, right: &[usize]) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING);
    match width {
        Some(width) => table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width),
        None => table.set_content_arrangement(ContentArrangement::Disabled),
    };
    let aligned = |cells: Vec<String>| {
        let cells = cells.into_iter().enumerate().map(|(at, text)| {
            let alignment = if right.contains(&at) { CellAlignment::Right } else { CellAlignment::Left };
            Cell::new(harmless(&text)).set_alignment(alignment)
        });
        Row::from(cells.collect::<Vec<_>>())
    };
    if !header.is_empty() {
        table.set_header(aligned(header.iter().map(|&text| text.to_owned()).collect()));
    }
    table.add_rows(rows.into_iter().map(aligned));
    table.trim_fmt() + "\n"
}

/// Figures that each are a part of one above them.
#[derive(Debug, Default)]
pub(super) struct Funnel(Vec<Vec<String>>);

impl Funnel {
    /// A figure, `depth` steps in, with its percentage of a named base.
    pub(super) fn figure(&mut self, depth: usize, label: &str, count: u64, base: Option<(u64, &str)>) -> &mut Self {
        self.explained(depth, label, count, base, "")
    }

    /// The same with words behind it.
    pub(super) fn explained(
        &mut self,
        depth: usize,
        label: &str,
        count: u64,
        base: Option<(u64, &str)>,
        words: &str,
    ) -> &mut Self {
        let share = base.map(|(whole, _)| percent(count, whole)).unwrap_or_default();
        let of = match base {
            Some((_, name)) if !share.is_empty() => format!("of {name}"),
            _ => String::new(),
        };
        let note = [of.as_str(), words].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(": ");
        // No-break spaces: wrapping must not eat the indentation.
        self.0.push(vec![format!("{}{label}", "\u{a0}".repeat(2 * depth)), number(count), share, note]);
        self
    }

    /// The same, left out when it is zero.
    pub(super) fn unless_zero(&mut self, depth: usize, label: &str, count: u64, base: Option<(u64, &str)>) -> &mut Self {
        if count > 0 { self.figure(depth, label, count, base) } else { self }
    }

    /// The text.
    pub(super) fn text(&mut self, width: Option<u16>) -> String {
        table(width, &[], std::mem::take(&mut self.0), &[1, 2]).replace('\u{a0}', " ")
    }
}

/// One bar a figure, the highest one full; empty for zero.
pub(super) fn bars(figures: &[u64]) -> String {
    const EIGHTHS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let most = figures.iter().copied().max().unwrap_or(0).max(1);
    let bar = |&figure: &u64| {
        let eighths = (u128::from(figure) * 8).div_ceil(u128::from(most));
        usize::try_from(eighths).ok().and_then(|eighths| EIGHTHS.get(eighths)).copied().unwrap_or('█')
    };
    figures.iter().map(bar).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_empty_only_for_nothing() {
        assert_eq!(bars(&[0, 1, 4, 800]), " ▁▁█");
        assert_eq!(bars(&[]), "");
        assert_eq!(bars(&[0]), " ");
        assert_eq!(bars(&[u64::MAX, u64::MAX / 2]), "█▄");
    }

    #[test]
    fn cells_cannot_reach_the_terminal() {
        let text = table(None, &["name"], vec![vec!["a\u{1b}[2J\nb".into()]], &[]);
        assert_eq!(text.lines().count(), 2);
        assert!(!text.contains('\u{1b}'));
    }
}
