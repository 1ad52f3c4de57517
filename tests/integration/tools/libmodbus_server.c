/* A meter that somebody else's library serves: the registers of an Eastron SDM630, by libmodbus.
 *
 *   libmodbus_server tcp          a free port of this machine; prints HOST:PORT
 *   libmodbus_server rtu DEVICE   a serial line, unit 1; prints DEVICE
 */
#include <arpa/inet.h>
#include <errno.h>
#include <modbus/modbus.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct {
    int address;
    float value;
} shown[] = {
    {0x00, 230.5f},  {0x02, 231.25f}, {0x04, 229.75f}, {0x06, 4.4f},    {0x08, 6.1f},        {0x0A, 0.3f},       {0x0C, -1000.0f},
    {0x0E, -1400.0f}, {0x10, -68.0f}, {0x34, -2468.0f}, {0x3E, -0.98f}, {0x46, 50.02f}, {0x48, 12345.678f}, {0x4A, 987.654f},
};

static modbus_mapping_t *registers(void)
{
    modbus_mapping_t *map = modbus_mapping_new_start_address(0, 0, 0, 0, 0xFC00, 2, 0, 0x60);
    if (map == NULL)
        exit(1);
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
        uint32_t bits; /* not modbus_set_float_abcd: that of 3.1.6 swaps the bytes of each word */
        memcpy(&bits, &shown[i].value, sizeof bits);
        map->tab_input_registers[shown[i].address] = bits >> 16;
        map->tab_input_registers[shown[i].address + 1] = bits & 0xFFFF;
    }
    map->tab_registers[0] = 0x1234;
    map->tab_registers[1] = 0x5678;
    return map;
}

static void serve(modbus_t *context, modbus_mapping_t *map)
{
    uint8_t query[MODBUS_TCP_MAX_ADU_LENGTH];
    for (;;) {
        int length = modbus_receive(context, query);
        if (length > 0)
            modbus_reply(context, query, length, map);
        else if (length < 0 && errno == ECONNRESET)
            return;
    }
}

static void serve_tcp(modbus_mapping_t *map)
{
    modbus_t *context = modbus_new_tcp("127.0.0.1", 0);
    int listening = context == NULL ? -1 : modbus_tcp_listen(context, 1);
    struct sockaddr_in place;
    socklen_t size = sizeof place;
    if (listening < 0 || getsockname(listening, (struct sockaddr *)&place, &size) < 0)
        exit(1);
    printf("127.0.0.1:%d\n", ntohs(place.sin_port));
    fflush(stdout);
    while (modbus_tcp_accept(context, &listening) >= 0) {
        serve(context, map);
        modbus_close(context);
    }
}

static void serve_rtu(const char *device, modbus_mapping_t *map)
{
    modbus_t *context = modbus_new_rtu(device, 9600, 'N', 8, 1);
    if (context == NULL || modbus_set_slave(context, 1) < 0 || modbus_connect(context) < 0)
        exit(1);
    printf("%s\n", device);
    fflush(stdout);
    serve(context, map);
}

int main(int count, char **words)
{
    if (count == 2 && strcmp(words[1], "tcp") == 0)
        serve_tcp(registers());
    else if (count == 3 && strcmp(words[1], "rtu") == 0)
        serve_rtu(words[2], registers());
    return 1;
}
