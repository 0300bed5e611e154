use std::env;
use burn::tensor::{Device, Tensor};
use saliency::kit::{Key, Stream};
use saliency::metrics::{Cover, Experiment, Units, ranking};
use saliency::photo::{Preparation, blurred, read_photo};
use saliency::{MethodOptions, Schedule, Target};
use saliency_cli::method::{PhotoMethod, PhotoQuestion};
use saliency_models::EfficientNetLite0;
use std::io::Write;
const C: usize = 14;
const N: usize = 196;
fn map(region: &[usize], f: impl Fn(usize, usize) -> (usize, usize)) -> Vec<usize> {
    region.iter().map(|&u| { let (y, x) = f(u / C, u % C); y * C + x }).collect()
}
fn centrality(region: &[usize]) -> f64 {
    region.iter().map(|&u| { let (y, x) = ((u / C) as f64 - 6.5, (u % C) as f64 - 6.5); y * y + x * x }).sum::<f64>() / region.len() as f64
}
fn moved(r: &[usize], p: [usize; 4]) -> Vec<usize> {
    map(r, |y, x| {
        let y = if p[2] == 1 { C - 1 - y } else { y };
        let x = if p[3] == 1 { C - 1 - x } else { x };
        ((y + p[0]) % C, (x + p[1]) % C)
    })
}
fn main() {
    let args: Vec<String> = env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let Some(folder) = args.first() else { return };
    let others: usize = args[1].parse().unwrap();
    let mut out = std::fs::File::create(&args[2]).unwrap();
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    paths.sort();
    let device = Device::flex();
    let net = EfficientNetLite0::embedded(&device);
    let inputs: Vec<Tensor<4>> = paths.iter().map(|p| Preparation::imagenet().tensor(&read_photo(p).unwrap(), &device)).collect();
    let maps: Vec<Vec<f64>> = inputs.iter().map(|input| {
        let q = PhotoQuestion { net: &net, input, target: Target::Predicted, options: &MethodOptions::new(), tolerance: None, schedule: &Schedule::new() };
        PhotoMethod::Regions.attribute(q).unwrap().values.into_data().iter().collect()
    }).collect();
    eprintln!("maps done");
    let n = inputs.len();
    for (i, input) in inputs.iter().enumerate() {
        let units = Units::cells([3, 224, 224], [C, C]).unwrap();
        let e = Experiment::new(&net, input.clone(), Target::Predicted, units, Schedule::new()).unwrap();
        let fills: Vec<_> = [blurred(input, 9.0).unwrap(), input.zeros_like(), input.zeros_like() + input.clone().mean_dim(3).mean_dim(2)].into_iter().map(|f| e.fill(f).unwrap()).collect();
        let mut which = vec![(i, 0)];
        for k in 0..others { which.push(((i + 1 + k * (n - 1) / others) % n, 1)); }
        for (j, kind) in which {
            let rank = ranking(&maps[j]);
            let sizes = [10usize, 39];
            let key = Key { seed: 77, row: i as u64, sample: j as u64 };
            let rnd = key.uniform(Stream::Own(0), 4 * 400);
            let params: Vec<[usize; 4]> = (0..400).map(|d| { let r = &rnd[4 * d..]; [(r[0] * 14.0) as usize, (r[1] * 14.0) as usize, (r[2] * 2.0) as usize, (r[3] * 2.0) as usize] }).collect();
            let mut covers = Vec::new();
            // 0 R, 1 h, 2 v, 3 rot, 4 centre, 5 transposed; 6..26 draws; 26..46 centrality matched
            for &s in &sizes {
                let r = &rank[..s];
                let mut vs = vec![r.to_vec(), map(r, |y, x| (y, C - 1 - x)), map(r, |y, x| (C - 1 - y, x)), map(r, |y, x| (C - 1 - y, C - 1 - x))];
                let mut near: Vec<(f64, usize)> = (0..N).map(|u| (centrality(&[u]), u)).collect();
                near.sort_by(|a, b| a.0.total_cmp(&b.0));
                vs.push(near[..s].iter().map(|x| x.1).collect());
                vs.push(map(r, |y, x| (x, y)));
                for p in &params[..20] { vs.push(moved(r, *p)); }
                // matched by centrality of the large size region (same shift for both sizes)
                let big = &rank[..39];
                let c = centrality(big);
                let mut cand: Vec<(f64, [usize; 4])> = params[20..].iter().filter(|p| p[0] + p[1] > 0 || p[2] + p[3] > 0).map(|p| ((centrality(&moved(big, *p)) - c).abs(), *p)).collect();
                cand.sort_by(|a, b| a.0.total_cmp(&b.0));
                cand.dedup_by(|a, b| a.1 == b.1);
                for (_, p) in &cand[..20] { vs.push(moved(r, *p)); }
                covers.extend(vs.into_iter().map(|v| Cover::of(0, N, &v)));
            }
            let scores = e.covered_scores(&fills[0], &covers).unwrap();
            let half = scores.len() / 2;
            let falls: Vec<String> = (0..half).map(|v| format!("{:.5}", e.scores()[0] - (scores[v] + scores[half + v]) / 2.0)).collect();
            let mut fillfalls = Vec::new();
            for f in &fills[1..] {
                let s = e.covered_scores(f, &[covers[0].clone(), covers[half].clone()]).unwrap();
                fillfalls.push(format!("{:.5}", e.scores()[0] - (s[0] + s[1]) / 2.0));
            }
            writeln!(out, "{i} {j} {kind} {:.3} {:.3} {} {}", centrality(&rank[..10]), centrality(&rank[..39]), fillfalls.join(" "), falls.join(" ")).unwrap();
        }
        eprintln!("{i}");
    }
}
