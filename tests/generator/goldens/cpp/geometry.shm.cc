// Generated from geometry.fbs by shmcommc; do not edit.
#include "geometry.shm.h"

#include <cstdint>
