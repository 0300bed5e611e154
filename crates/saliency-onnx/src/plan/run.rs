//! Running a plan.

use std::any::Any;

use saliency_core::kit::caught;

use crate::error::{Error, Result};
use crate::graph::Node;
use crate::operators::{self, Call, Input, Settings};
use crate::values::Value;

use super::weights::{Layout, Weights};
use super::{Branch, Kind, Plan, Source, Step};

/// Is shown the outputs of each node.
pub(crate) type Watch<'a> = &'a mut dyn FnMut(&Node, &[Value]);

/// A run of a plan.
pub(crate) struct Run<'a> {
    pub(crate) weights: &'a Weights,
    pub(crate) layout: &'a Layout,
    pub(crate) settings: Settings,
}

impl Run<'_> {
    /// Computes the outputs of a plan from its inputs.
    pub(crate) fn outputs(
        &self,
        plan: &Plan,
        inputs: Vec<Input>,
        rows: usize,
        watch: Watch<'_>,
    ) -> Result<Vec<Input>> {
        let mut values: Vec<Option<Input>> = vec![None; plan.places];
        for (&place, input) in plan.inputs.iter().zip(inputs) {
            values[place] = Some(input);
        }
        for counted in &plan.counted {
            values[counted.place] = Some(Value::known(counted.at(rows)).into());
        }
        for step in &plan.steps {
            let results = self.step(step, &values, rows, watch)?;
            for &place in &step.last {
                values[place] = None;
            }
            watch(&step.node, &results);
            for (&place, result) in step.outputs.iter().zip(results) {
                if let Some(place) = place.filter(|place| !step.last.contains(place)) {
                    values[place] = Some(result.into());
                }
            }
        }
        plan.outputs.iter().map(|source| self.value(source, &values)).collect()
    }

    fn value(&self, source: &Source, values: &[Option<Input>]) -> Result<Input> {
        let value = match source {
            Source::Place(place) => values[*place].clone(),
            Source::Weight(name) => self.weights.get(self.layout, name),
        };
        value.ok_or_else(|| Error::graph("an output of a node is used that the node does not have"))
    }

    fn step(
        &self,
        step: &Step,
        values: &[Option<Input>],
        rows: usize,
        watch: Watch<'_>,
    ) -> Result<Vec<Value>> {
        let failed = |reason: String| Error::Node { node: step.node.to_string(), reason };
        let operator = match &step.kind {
            Kind::Operator(operator) => operator,
            Kind::Choice(branches) => return self.choose(step, branches, values, rows, watch),
        };
        let inputs = step
            .inputs
            .iter()
            .map(|source| source.as_ref().map(|source| self.value(source, values)).transpose())
            .collect::<Result<Vec<_>>>()?;
        let layer = step.layer.as_ref();
        let layer = layer.map(|layer| (self.weights.convolution(layer.index), layer));
        let mut call = Call::new(&step.node, inputs, &self.settings, layer);
        // Burn panics where shapes or numbers do not fit.
        let computed = caught(|| operators::computed(*operator, &mut call, step.gate));
        computed.unwrap_or_else(|panic| Err(reason(panic.as_ref()))).map_err(failed)
    }

    fn choose(
        &self,
        step: &Step,
        branches: &[Branch; 2],
        values: &[Option<Input>],
        rows: usize,
        watch: Watch<'_>,
    ) -> Result<Vec<Value>> {
        let failed = |reason: String| Error::Node { node: step.node.to_string(), reason };
        let missing = || failed("the condition is missing".into());
        let condition = step.inputs.first().and_then(Option::as_ref).ok_or_else(missing)?;
        let condition = self.value(condition, values)?;
        let call = Call::new(&step.node, vec![Some(condition)], &self.settings, None);
        let condition = call.read(0).map_err(failed)?.only();
        let condition = condition.ok_or_else(|| failed("the condition is not one value".into()))?;
        let branch = &branches[usize::from(condition == 0.0)];
        let inputs = branch
            .reads
            .iter()
            .map(|source| self.value(source, values))
            .collect::<Result<Vec<_>>>()?;
        let outputs = self.outputs(&branch.plan, inputs, rows, watch)?;
        Ok(outputs.into_iter().map(|output| output.value).collect())
    }
}

/// Returns the message of a panic in one line, without the headings that Burn sets around it.
fn reason(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or_default();
    let lines =
        text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("==="));
    let lines: Vec<&str> = lines.take(3).collect();
    if lines.is_empty() {
        "the backend has stopped without a message".into()
    } else {
        lines.join(" ")
    }
}
