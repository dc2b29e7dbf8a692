/* A stand-in for NVIDIA's management library, for the tests of the agent: the functions that the agent uses, with answers
 * that a file tells: NVML_PLAN names it, and it is read at every call, so that a test can change its mind. Its lines:
 *   gpus=N        how many GPUs there are (1)
 *   util=N        how busy they are, in percent (37)
 *   encoders=N    streams that are being encoded (0)
 *   processes=N   processes that compute (0)
 *   mig=N         GPU N is divided and tells no use
 *   lost=N        GPU N has fallen off the bus
 *   dead=N        GPU N cannot even be found
 *   broken=N      GPU N answers everything with an unknown error
 *   init=N        initialising fails with error N
 *   hang=1        asking for use never ends
 * Compiled with -DWITHOUT_SHUTDOWN, -DWITHOUT_ENCODER, -DWITHOUT_UTILIZATION or -DWITHOUT_INIT it lacks a function. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OK 0
#define NOT_SUPPORTED 3
#define GPU_IS_LOST 15
#define UNKNOWN 999

typedef struct { long index; } device_t;
static device_t devices[64];

static long plan(const char *key, long otherwise)
{
    const char *path = getenv("NVML_PLAN");
    FILE *file = path ? fopen(path, "r") : NULL;
    char line[128];
    long value = otherwise;
    size_t length = strlen(key);
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, key, length) == 0 && line[length] == '=')
            value = atol(line + length + 1);
    if (file)
        fclose(file);
    return value;
}

/* What a GPU answers whatever it is asked. */
static int state(device_t *device)
{
    if (plan("lost", -1) == device->index)
        return GPU_IS_LOST;
    if (plan("broken", -1) == device->index)
        return UNKNOWN;
    return OK;
}

#ifndef WITHOUT_INIT
int nvmlInit_v2(void) { return (int)plan("init", OK); }
#endif
#ifndef WITHOUT_SHUTDOWN
int nvmlShutdown(void) { return OK; }
#endif

int nvmlSystemGetDriverVersion(char *version, unsigned length)
{
    snprintf(version, length, "580.95.05");
    return OK;
}

int nvmlDeviceGetCount_v2(unsigned *count)
{
    *count = (unsigned)plan("gpus", 1);
    return OK;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, device_t **device)
{
    if (plan("dead", -1) == (long)index)
        return GPU_IS_LOST;
    devices[index].index = index;
    *device = &devices[index];
    return OK;
}

int nvmlDeviceGetUUID(device_t *device, char *uuid, unsigned length)
{
    snprintf(uuid, length, "GPU-0000000%ld", device->index);
    return state(device);
}

int nvmlDeviceGetName(device_t *device, char *name, unsigned length)
{
    snprintf(name, length, "NVIDIA Test GPU");
    return state(device);
}

typedef struct {
    char legacy[16];
    unsigned domain, bus, device, id, subsystem;
    char bus_id[32];
} pci_t;

int nvmlDeviceGetPciInfo_v3(device_t *device, pci_t *pci)
{
    memset(pci, 0, sizeof *pci);
    snprintf(pci->bus_id, sizeof pci->bus_id, "00000000:00:%02lX.0", 0x1e + device->index);
    return state(device);
}

typedef struct { unsigned gpu, memory; } utilization_t;

#ifndef WITHOUT_UTILIZATION
int nvmlDeviceGetUtilizationRates(device_t *device, utilization_t *used)
{
    while (plan("hang", 0))
        usleep(20000);
    if (plan("mig", -1) == device->index)
        return NOT_SUPPORTED;
    used->gpu = (unsigned)plan("util", 37);
    used->memory = 12;
    return state(device);
}
#endif

typedef struct { unsigned version; unsigned long long total, reserved, free, used; } memory_t;

int nvmlDeviceGetMemoryInfo_v2(device_t *device, memory_t *memory)
{
    memory->total = 16ull << 30;
    memory->reserved = 0;
    memory->used = 4ull << 30;
    memory->free = 12ull << 30;
    return state(device);
}

int nvmlDeviceGetMigMode(device_t *device, unsigned *now, unsigned *next)
{
    *now = *next = plan("mig", -1) == device->index;
    return state(device);
}

#define NUMBER(name, value) \
    int name(device_t *device, unsigned *number) { *number = (unsigned)(value); return state(device); }
NUMBER(nvmlDeviceGetPowerUsage, 31420)
NUMBER(nvmlDeviceGetEnforcedPowerLimit, 70000)
NUMBER(nvmlDeviceGetPcieReplayCounter, 2)

int nvmlDeviceGetTemperature(device_t *device, int sensor, unsigned *degrees)
{
    (void)sensor;
    *degrees = 54;
    return state(device);
}

int nvmlDeviceGetClockInfo(device_t *device, int clock, unsigned *mhz)
{
    *mhz = clock == 1 ? 1590 : 5000;
    return state(device);
}

int nvmlDeviceGetTotalEnergyConsumption(device_t *device, unsigned long long *millijoules)
{
    *millijoules = 123456789;
    return state(device);
}

int nvmlDeviceGetTotalEccErrors(device_t *device, int kind, int counter, unsigned long long *errors)
{
    (void)kind;
    (void)counter;
    *errors = (unsigned long long)plan("ecc", 0);
    return state(device);
}

#ifndef WITHOUT_ENCODER
int nvmlDeviceGetEncoderUtilization(device_t *device, unsigned *used, unsigned *period)
{
    *used = 0;
    *period = 100000;
    return state(device);
}
int nvmlDeviceGetEncoderStats(device_t *device, unsigned *sessions, unsigned *fps, unsigned *latency)
{
    *sessions = (unsigned)plan("encoders", 0);
    *fps = *latency = 0;
    return state(device);
}
#endif

int nvmlDeviceGetDecoderUtilization(device_t *device, unsigned *used, unsigned *period)
{
    *used = 0;
    *period = 100000;
    return state(device);
}

/* Asked with room for none: how many there are is said by the error "insufficient size". */
static int processes(device_t *device, unsigned *count)
{
    *count = (unsigned)plan("processes", 0);
    return state(device) ? state(device) : (*count ? 7 : OK);
}
int nvmlDeviceGetComputeRunningProcesses_v3(device_t *device, unsigned *count, void *infos)
{
    (void)infos;
    return processes(device, count);
}
