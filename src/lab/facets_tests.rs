//! Rows and columns of the map of scores.

use super::*;
use crate::{analysis::PairSetKind, features::FeatureKind};

#[test]
fn names_of_measures_are_read_back() {
    for pairs in PairRule::ALL {
        for matching in MatchingRule::ALL {
            for pair_set in PairSetKind::ALL {
                let measure = Measure {
                    kind: FeatureKind::Dense,
                    stage: Some(3),
                    pairs,
                    matching,
                    pair_set,
                    alpha: 1.5,
                    t: 0.5,
                };
                assert_eq!(measure_named(&measure.name()), Some(measure));
            }
        }
    }
    assert_eq!(measure_named("pooled"), Some(Measure::default()));
    for foreign in ["", "mine", "pooled/", "pooled/x=3", "pooled/t=much"] {
        assert_eq!(measure_named(foreign), None, "{foreign}");
    }
}

fn columns(measures: &[&str]) -> Columns {
    let pair = |name: &&str| {
        let both = ["alignment", "uniformity"].map(|of| format!("{of}:{name}"));
        ((*name).to_owned(), both)
    };
    Columns {
        measures: measures.iter().map(pair).collect(),
        performances: ["knn", "linear"]
            .map(|task| (task.to_owned(), format!("performance:{task}")))
            .to_vec(),
        groups: vec!["data".to_owned()],
        parts: ["data", "rate"].map(str::to_owned).to_vec(),
        ..Columns::default()
    }
}

fn table() -> Table {
    let mut table = Table::new(["data", "rate"]);
    for (place, kind) in ["single", "multi", "single", "multi", "multi", "single"]
        .into_iter()
        .enumerate()
    {
        table.push([kind.to_owned(), format!("0.{place}")]);
    }
    table
}

fn found(measure: &str, rows: Facet, across: Facet) -> Vec<(String, String, Question)> {
    let columns = columns(&[
        "pooled",
        "pooled/α=1",
        "pooled/t=0.5",
        "pooled/α=1/t=0.5",
        "dense",
        "dense/random",
    ]);
    let question = Question {
        measure: measure.to_owned(),
        task: "knn".to_owned(),
        facets: Some([rows, across]),
        ..Question::default()
    };
    cells(&question, &columns, &table())
}

#[test]
fn alpha_crosses_t() {
    let (alpha, t) = (MeasureSetting::Alpha, MeasureSetting::T);
    let cells = found("dense", Facet::Setting(alpha), Facet::Setting(t));
    let told: Vec<[&str; 3]> = cells
        .iter()
        .map(|(row, column, asked)| [row, column, asked.measure.as_str()])
        .collect();
    // Dense measures differ in neither: the first measure that does stands in.
    assert_eq!(
        told,
        [
            ["α = 1", "t = 0.5", "pooled/α=1/t=0.5"],
            ["α = 1", "t = 2", "pooled/α=1"],
            ["α = 2", "t = 0.5", "pooled/t=0.5"],
            ["α = 2", "t = 2", "pooled"],
        ]
    );
}

#[test]
fn matching_rules_cross_data_and_tasks() {
    let rule = || Facet::Setting(MeasureSetting::Matching);
    let cells = found("pooled", rule(), Facet::Column("data".to_owned()));
    assert_eq!(cells.len(), 4);
    let (row, column, asked) = &cells[3];
    assert_eq!([row.as_str(), column], ["random", "single"]);
    assert_eq!(asked.measure, "dense/random");
    assert_eq!(asked.only, [("data".to_owned(), "single".to_owned())]);
    // A facet crosses no facet of the same: tasks stand in.
    let cells = found("pooled", Facet::Measure, Facet::Measure);
    assert_eq!(cells.len(), 12);
    assert_eq!(cells[1].1, "linear");
}

#[test]
fn columns_cross_columns_and_measures_cross_settings() {
    let column = |name: &str| Facet::Column(name.to_owned());
    let cells = found("dense", column("data"), column("rate"));
    let told: Vec<[&str; 2]> = (cells.iter())
        .map(|(row, across, _)| [row.as_str(), across])
        .collect();
    // All of the numbers differ: they are cut into thirds.
    let thirds = ["0.0 to 0.1", "0.2 to 0.3", "0.4 to 0.5"].map(|name| name.replace("0.0", "0"));
    let [low, middle, high] = thirds.each_ref().map(String::as_str);
    let expected = [
        ["multi", low],
        ["multi", middle],
        ["multi", high],
        ["single", low],
        ["single", middle],
        ["single", high],
    ];
    assert_eq!(told, expected);
    let only = &cells[5].2.only;
    let wanted = [("data", "single"), ("rate", high)].map(|(a, b)| (a.to_owned(), b.to_owned()));
    assert_eq!(only, &wanted);

    // Measures that differ in α alone are one row; whichever comes first, row or column.
    let alpha = || Facet::Setting(MeasureSetting::Alpha);
    for cells in [
        found("pooled", Facet::Measure, alpha()),
        found("pooled", alpha(), Facet::Measure),
    ] {
        let mut measures: Vec<&str> = (cells.iter())
            .map(|(_, _, asked)| asked.measure.as_str())
            .collect();
        measures.sort_unstable();
        let mut all = [
            "pooled",
            "pooled/α=1",
            "pooled/t=0.5",
            "pooled/α=1/t=0.5",
            "dense",
            "dense/random",
        ];
        all.sort_unstable();
        assert_eq!(measures, all);
    }
    let kinds = found(
        "pooled",
        Facet::Measure,
        Facet::Setting(MeasureSetting::Kind),
    );
    assert_eq!(
        (kinds[0].0.as_str(), kinds[0].1.as_str()),
        ("usual settings", "pooled")
    );
}

#[test]
fn a_measure_with_two_settings_needs_none_with_one() {
    let columns = columns(&["pooled", "pooled/α=1/t=1"]);
    let [alpha, t] = [MeasureSetting::Alpha, MeasureSetting::T].map(Facet::Setting);
    let question = Question {
        measure: "pooled".to_owned(),
        facets: Some([alpha, t]),
        ..Question::default()
    };
    let told: Vec<String> = (cells(&question, &columns, &table()).into_iter())
        .map(|(_, _, asked)| asked.measure)
        .collect();
    assert_eq!(told, ["pooled/α=1/t=1", "pooled"]);
}

#[test]
fn a_part_that_is_looked_at_does_not_part_the_map() {
    let mut question = Question {
        measure: "pooled".to_owned(),
        task: "knn".to_owned(),
        facets: Some([Facet::Column("data".to_owned()), Facet::Task]),
        ..Question::default()
    };
    question.only = vec![("data".to_owned(), "single".to_owned())];
    let columns = columns(&["pooled"]);
    assert_eq!(cells(&question, &columns, &table()).len(), 4);
    // Other conditions stay.
    question
        .only
        .push(("rate".to_owned(), "0 to 0.1".to_owned()));
    let cells = cells(&question, &columns, &table());
    assert_eq!(cells[0].2.only[0].0, "rate");
}

#[test]
fn only_what_parts_the_table_is_offered() {
    let named: Vec<String> = facets(&columns(&["pooled", "dense", "dense/random"]))
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        named,
        [
            "measure",
            "task",
            "feature kind",
            "matching rule",
            "data",
            "rate"
        ]
    );
    assert_eq!(facets(&columns(&["mine"])).len(), 4);
    let known = columns(&["mine"]);
    assert_eq!(facet_named("task", &known), Some(Facet::Task));
    assert_eq!(
        facet_named("rate", &known),
        Some(Facet::Column("rate".to_owned()))
    );
    assert_eq!(facet_named("layer", &known), None);
    // Of a table that lost what was asked for, the usual map is drawn.
    let question = Question {
        facets: Some([Facet::Column("gone".to_owned()), Facet::Task]),
        ..Question::default()
    };
    let usual = rows_and_columns(&question, &columns(&["mine"]));
    assert_eq!(usual, [Facet::Measure, Facet::Task]);
}
