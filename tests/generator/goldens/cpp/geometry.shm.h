// Generated from geometry.fbs by shmcommc; do not edit.
#pragma once

#include "geometry_generated.h"
#include "shmcomm/typed.h"
