// A build of PyTorch without CUDA cannot make a CUDA device the current one, not even to do nothing there; with this it can.
#include <c10/core/impl/DeviceGuardImplInterface.h>

C10_REGISTER_GUARD_IMPL(CUDA, c10::impl::NoOpDeviceGuardImpl<c10::DeviceType::CUDA>)
