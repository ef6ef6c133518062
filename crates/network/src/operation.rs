//! The `ResNet` branch as one differentiable operation of Burn's flex back end.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use burn::{
    backend::{
        Backend, Dispatch, Flex,
        autodiff::{
            Autodiff,
            checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
            grads::Gradients,
            ops::{Backward, Ops, OpsKind},
        },
        backend_extension,
        tensor::FloatTensor,
    },
    tensor::{Tensor, TensorData},
};
use burn_flex::FlexTensor;

use crate::trunk::{Trunk, plan::FEATURES};

/// The branch's kernels and memory, shared between the ways forward and back.
#[derive(Clone)]
pub(crate) struct SharedTrunk(Arc<Mutex<Trunk>>);

impl SharedTrunk {
    /// Shares a branch.
    pub(crate) fn new(trunk: Trunk) -> Self {
        Self(Arc::new(Mutex::new(trunk)))
    }

    /// The branch, for statistics.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Trunk> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for SharedTrunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedTrunk")
    }
}

/// Spatial features `[batch, 256]` of slices `[batch, slice length]` under `parameters`.
///
/// The way back uses what the way forward left in `trunk`: at most one of each, in that order.
pub(crate) fn spatial_features(
    parameters: Tensor<1>,
    slices: Tensor<2>,
    trunk: SharedTrunk,
) -> Tensor<2> {
    let (parameters, slices) = (parameters.into_dispatch(), slices.into_dispatch());
    Tensor::from_dispatch(<Dispatch as SpatialBranch>::spatial_features(
        parameters, slices, trunk,
    ))
}

/// The operation, for Burn.
#[backend_extension(Flex, Autodiff)]
trait SpatialBranch: Backend {
    fn spatial_features(
        parameters: FloatTensor<Self>,
        slices: FloatTensor<Self>,
        trunk: SharedTrunk,
    ) -> FloatTensor<Self>;
}

impl SpatialBranch for Flex {
    fn spatial_features(
        parameters: FloatTensor<Self>,
        slices: FloatTensor<Self>,
        trunk: SharedTrunk,
    ) -> FloatTensor<Self> {
        let batch = slices.layout().shape()[0];
        let (parameters, slices) = (parameters.to_contiguous(), slices.to_contiguous());
        let features = trunk.lock().forward(parameters.storage(), slices.storage());
        FlexTensor::from_data(TensorData::new(features, [batch, FEATURES]))
    }
}

impl<C: CheckpointStrategy> SpatialBranch for Autodiff<Flex, C> {
    fn spatial_features(
        parameters: FloatTensor<Self>,
        slices: FloatTensor<Self>,
        trunk: SharedTrunk,
    ) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct WayBack;
        impl Backward<Flex, 1> for WayBack {
            type State = SharedTrunk;
            fn backward(
                self,
                ops: Ops<SharedTrunk, 1>,
                gradients: &mut Gradients,
                _checkpointer: &mut Checkpointer,
            ) {
                let [parameters] = ops.parents;
                let features = gradients.consume::<Flex>(&ops.node).to_contiguous();
                if let Some(node) = parameters {
                    let gradient = ops.state.lock().backward(features.storage());
                    let length = gradient.len();
                    let gradient = FlexTensor::from_data(TensorData::new(gradient, [length]));
                    gradients.register::<Flex>(node.id, gradient);
                }
            }
        }
        let features = <Flex as SpatialBranch>::spatial_features(
            parameters.primitive().clone(),
            slices.primitive().clone(),
            trunk.clone(),
        );
        match WayBack
            .prepare::<C>([parameters.node()])
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(operation) => operation.finish(trunk, features),
            OpsKind::UnTracked(operation) => operation.finish(features),
        }
    }
}
