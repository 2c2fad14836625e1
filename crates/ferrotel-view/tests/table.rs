//! The metrics as a table and as lines, compared with the files in `snapshots/`.

mod common;

use std::time::{Duration, Instant};

use common::metrics::{
    CUMULATIVE, DELTA, exponential, exponential_point, gauge, histogram, histogram_point, metrics_of, number_point,
    points, sum,
};
use common::{NOON, compare, string};
use ferrotel_view::{Limits, Store, Style, metrics_lines, metrics_table};
use opentelemetry_proto::tonic::metrics::v1::{Metric, number_data_point};
use proptest::prelude::*;

const PLAIN: Style = Style { width: 120, color: false, attributes: false };

/// A shop's metrics at two collections, 5 s apart.
fn shop() -> Store {
    let store = Store::new(Limits::default());
    let bounds = vec![0.0, 5.0, 10.0, 25.0, 50.0, 75.0, 100.0, 250.0];
    for (second, orders) in [(5, 10), (10, 22)] {
        let point = |value| number_point(second, value, vec![]);
        let mut duration = histogram_point(second, 412.5, vec![0, 1, 4, 9, 3, 1, 0, 0, 1], bounds.clone());
        duration.attributes = vec![string("http.route", "/order/{id}"), string("http.request.method", "GET")];
        (duration.min, duration.max) = (Some(1.25), Some(612.0));
        let mut load = point(0);
        load.value = Some(number_data_point::Value::AsDouble(0.718_281_8));
        let mut stock = exponential_point(second, 1, -2, vec![1, 0, 2, 7, 4, 1]);
        stock.sum = Some(31.0);
        stock.start_time_unix_nano = NOON + (second - 5) * 1_000_000_000;
        let front = vec![
            sum(
                "orders",
                "{order}",
                true,
                CUMULATIVE,
                vec![number_point(second, orders, vec![string("item", "apple")])],
            ),
            histogram("http.server.request.duration", "ms", CUMULATIVE, vec![duration]),
            sum("http.server.active_requests", "{request}", false, CUMULATIVE, vec![point(3)]),
        ];
        let back = vec![gauge("process.load", "1", vec![load]), exponential("stock.query", DELTA, vec![stock])];
        store.add_points(points(vec![metrics_of("service-a", front), metrics_of("service-b", back)]), 0);
    }
    store
}

fn table(store: &Store, style: &Style, most: usize) -> String {
    let now = Instant::now();
    // Nothing has changed after `now`.
    let lines = metrics_table(store, style, most, now, now + Duration::from_secs(1));
    lines.into_iter().map(|line| line + "\n").collect()
}

#[test]
fn wide() {
    compare("metrics", &table(&shop(), &PLAIN, 20));
}

#[test]
fn narrow() {
    for width in [100, 80, 60, 40] {
        compare(&format!("metrics_{width}"), &table(&shop(), &Style { width, ..PLAIN }, 20));
    }
}

#[test]
fn in_color_with_what_changed_last_emphasised() {
    let store = shop();
    let long_ago = Instant::now() - Duration::from_secs(60);
    let lines = metrics_table(&store, &Style { color: true, ..PLAIN }, 20, Instant::now(), long_ago);
    compare("metrics_color", &lines.into_iter().map(|line| line + "\n").collect::<String>());
}

#[test]
fn a_short_window_shows_those_that_changed_last() {
    let store = Store::new(Limits::default());
    let send = |number: u64, second: u64, value: i64| {
        let point = number_point(second, value, vec![string("n", &format!("{number:03}"))]);
        store.add_points(points(vec![metrics_of("shop", vec![gauge("load", "", vec![point])])]), 0);
    };
    (0..50).for_each(|number| send(number, 1, 0));
    let now = Instant::now();
    send(30, 2, 7);
    // Seen 10 s later, the one that has changed just now comes before the others.
    let later = now + Duration::from_secs(10);
    let lines = metrics_table(&store, &PLAIN, 3, later, later);
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(lines[0].contains(" 50 series, 49 more than shown "), "{lines:?}");
    assert!(lines[2].contains("n=030"), "{lines:?}");
    assert_eq!(metrics_table(&store, &PLAIN, 10, later, later).len(), 10);
    let [only] = metrics_table(&store, &PLAIN, 2, later, later).try_into().expect("one line");
    assert!(only.contains("50 series, shown in a taller window"), "{only}");
    assert!(metrics_table(&store, &PLAIN, 0, later, later).is_empty());
    assert!(metrics_table(&Store::new(Limits::default()), &PLAIN, 9, later, later).is_empty(), "no metrics, no table");
}

#[test]
fn without_a_terminal_each_change_is_a_line() {
    let store = shop();
    compare("metrics_lines", &metrics_lines(&store, &PLAIN));
    assert_eq!(metrics_lines(&store, &PLAIN), "", "nothing new");
    let same = sum("orders", "{order}", true, CUMULATIVE, vec![number_point(15, 22, vec![string("item", "apple")])]);
    store.add_points(points(vec![metrics_of("service-a", vec![same])]), 0);
    assert_eq!(metrics_lines(&store, &PLAIN), "", "collected again, and the value is the same");
    let more = sum("orders", "{order}", true, CUMULATIVE, vec![number_point(20, 23, vec![string("item", "apple")])]);
    store.add_points(points(vec![metrics_of("service-a", vec![more])]), 0);
    assert_eq!(metrics_lines(&store, &PLAIN), "metric  service-a  orders  item=apple  23 {order}  0.2/s\n");
}

#[test]
fn many_changes_are_counted() {
    let store = Store::new(Limits::default());
    let data = (0..300).map(|n| number_point(1, n, vec![string("n", &n.to_string())])).collect();
    store.add_points(points(vec![metrics_of("shop", vec![gauge("load", "", data)])]), 0);
    let text = metrics_lines(&store, &PLAIN);
    assert_eq!(text.lines().count(), 201);
    assert!(text.ends_with("metric  … and 100 more series changed\n"), "{text}");
}

fn hostile(name: &str, value: i64) -> Metric {
    sum(name, name, true, CUMULATIVE, vec![number_point(1, value, vec![string(name, name)])])
}

#[test]
fn hostile_text_cannot_drive_the_terminal() {
    let evil = "\u{1b}]0;owned\u{7}\u{1b}[2J\u{9b}31m\r\nfake line\u{202e}gnp.exe\u{200b}\u{0}";
    let store = Store::new(Limits::default());
    store.add_points(points(vec![metrics_of(evil, vec![hostile(evil, 1)])]), 0);
    for text in [table(&store, &PLAIN, 20), metrics_lines(&store, &PLAIN)] {
        let bad: Vec<char> = text.chars().filter(|letter| letter.is_control() && *letter != '\n').collect();
        assert_eq!(bad, [], "{text:?}");
        assert!(!text.contains('\u{202e}') && !text.lines().any(|line| line.starts_with("fake line")), "{text:?}");
    }
    let store = Store::new(Limits::default());
    store.add_points(points(vec![metrics_of("shop", vec![hostile(&"n".repeat(1_000_000), 1)])]), 0);
    assert!(metrics_lines(&store, &PLAIN).len() < 5_000);
}

proptest! {
    #[test]
    fn rows_keep_within_the_width(
        list in proptest::collection::vec(("\\PC{0,40}", any::<i64>()), 1..8),
        width in 20_usize..200,
        most in 0_usize..12,
    ) {
        let store = Store::new(Limits::default());
        let metrics = list.iter().map(|(name, value)| hostile(name, *value)).collect();
        let counts = histogram("distribution", "ms", CUMULATIVE, vec![histogram_point(1, 1.0, vec![1, 2], vec![1e300])]);
        store.add_points(points(vec![metrics_of("a service", metrics), metrics_of("another", vec![counts])]), 0);
        let text = table(&store, &Style { width, ..PLAIN }, most);
        prop_assert!(text.lines().count() <= most);
        for line in text.lines() {
            let columns: usize = line.chars().map(|letter| unicode_width::UnicodeWidthChar::width(letter).unwrap_or(0)).sum();
            prop_assert!(columns < width, "{} columns: {:?}", columns, line);
        }
    }
}
