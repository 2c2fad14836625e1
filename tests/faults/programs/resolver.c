/* Preloaded into a program: `collector.test` has the address that stands in the file which FAULTS_ADDRESS names, now. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **found) {
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) = dlsym(RTLD_NEXT, "getaddrinfo");
    char address[64];
    const char *name = getenv("FAULTS_ADDRESS");
    if (node && name && strcmp(node, "collector.test") == 0) {
        FILE *file = fopen(name, "r");
        if (!file || !fgets(address, sizeof address, file)) {
            if (file) fclose(file);
            return EAI_NONAME;
        }
        fclose(file);
        address[strcspn(address, "\n")] = 0;
        node = address;
    }
    return real(node, service, hints, found);
}
