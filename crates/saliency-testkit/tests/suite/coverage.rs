//! Error bars hold for models of every kind. The bench `tolerance` asks more questions.

use saliency_core::{IntegratedGradients, Rule};
use saliency_testkit::Kind;

/// The models of each kind.
const MODELS: u64 = 3;

#[test]
fn the_estimate_is_an_upper_bound_for_models_of_every_kind() {
    let ig = IntegratedGradients::new;
    let explainers = [
        ig().with_tolerance(0.05),
        ig().with_tolerance(0.01),
        ig().with_steps(50),
        ig().with_rule(Rule::Midpoint).with_steps(50),
        ig().with_rule(Rule::Placed).with_steps(50),
    ];
    let (mut all, mut bounds) = (0, 0);
    let (mut converged, mut far_off) = (0, 0);
    for kind in Kind::ALL {
        let (mut own, mut own_bounds) = (0, 0);
        for model in 0..MODELS {
            let questions = kind.questions(model);
            let right = questions.right();
            for (explainer, tolerance) in explainers.iter().zip([0.05, 0.01, 1.0, 1.0, 1.0]) {
                let errors = questions.errors(explainer, &right);
                let pairs = || errors.estimated.iter().zip(&errors.right);
                own += errors.right.len();
                own_bounds += pairs().filter(|(estimated, right)| estimated >= right).count();
                if let Some(met) = errors.converged {
                    let rows = met.iter().zip(&errors.right).filter(|(met, _)| **met);
                    converged += rows.clone().count();
                    far_off += rows.filter(|(_, right)| **right > 2.0 * tolerance).count();
                }
            }
        }
        println!("{:44} {own_bounds} of {own}", kind.name);
        assert!(own_bounds * 100 >= own * 75, "{}: {own_bounds} of {own}", kind.name);
        (all, bounds) = (all + own, bounds + own_bounds);
    }
    println!("all: {bounds} of {all}; {far_off} of {converged} converged ones are far off");
    assert!(bounds * 100 >= all * 88, "{bounds} of {all}");
    assert!(far_off * 100 <= converged * 3, "{far_off} of {converged}");
}
