//! Lays the layers over each other, later ones winning key by key, and gathers every problem of all of them.

use serde::Serialize;

use super::draft::Draft;
use super::keys::SECTIONS;
use super::layer::Layer;
use super::problems::{Place, Problems};
use super::rules;
use super::values::Config;
use super::walk::walk;

/// One key's value and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Effective {
    /// Such as `app.port`.
    pub key: String,
    /// As TOML; of variables the names alone.
    pub value: String,
    /// Where it was set; none for a default.
    pub from: Option<Place>,
}

/// The configuration that the layers make together.
///
/// Precedence is by the layers' kinds; layers of one kind win in the order given.
///
/// # Errors
/// All that is wrong in all layers and between them.
pub fn merge(layers: &[Layer]) -> Result<Config, Problems> {
    draft(layers).map(Draft::into_config)
}

/// Every key that has a value, in the order of the documentation, and who set it.
///
/// # Errors
/// As [`merge`].
pub fn effective(layers: &[Layer]) -> Result<Vec<Effective>, Problems> {
    let mut draft = draft(layers)?;
    let mut values = Vec::new();
    for section in SECTIONS.iter() {
        for key in &section.keys {
            values.extend(key.show(&mut draft).map(|placed| Effective {
                key: format!("{}.{}", section.name, key.name),
                value: placed.value,
                from: placed.from.map(|from| from.place),
            }));
        }
    }
    Ok(values)
}

fn draft(layers: &[Layer]) -> Result<Draft, Problems> {
    let mut layers: Vec<_> = layers.iter().collect();
    layers.sort_by_key(|layer| layer.kind.rank());
    let mut draft = Draft::defaults();
    let mut problems = Vec::new();
    for (number, layer) in layers.into_iter().enumerate() {
        problems.extend(walk(layer, number, &mut draft));
        problems.extend(rules::one_source(&mut draft));
    }
    // A value that was refused is not there to be compared; only then the rules would tell nonsense.
    problems.extend(rules::between_keys(&mut draft, &problems));
    Problems::of(problems).map(|()| draft)
}
