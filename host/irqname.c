/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stddef.h>

#include <host/irqname.h>

/*
 * Most specific first. Drivers and the file in Linux 6.12's drivers/net/ethernet that makes the name; interrupts
 * that only send (-tx-N, -output.N) are left out, since a queue is where its receiving side is served.
 */
static const struct {
	const char *pattern, *where;
} patterns[] = {
	{ "%d-%i-TxRx-%n", "i40e, ice, iavf: i40e_main.c, ice_main.c, iavf_main.c (driver-interface-TxRx-N)" },
	{ "%d-%b-TxRx-%n", "hns3: hns3_enet.c (driver-PCI address-TxRx-N)" },
	{ "%d-%i-rx-%n", "i40e, ice, iavf with a vector of its own for receiving: same files" },
	{ "%i-TxRx-%n", "igb, igc, ixgbe, ixgbevf, fm10k, bnxt: igb_main.c, igc_main.c, ixgbe_main.c, bnxt.c" },
	{ "%i-Tx-Rx-%n", "ena: ena_netdev.c" },
	{ "%i-rxtx-%n", "vmxnet3, nfp: ../vmxnet3/vmxnet3_drv.c, nfp_net_common.c" },
	{ "%i-txrx-%n", "tg3: tg3.c" },
	{ "%i-rx-%n", "igb and ixgbe with unpaired vectors, e1000e, vmxnet3, bnxt, enic, tg3: as above, netdev.c" },
	{ "%i:rx-%n", "stmmac: stmmac_main.c" },
	{ "%i-fp-%n", "bnx2x, qede: bnx2x_main.c, qede_main.c" },
	{ "%i-q%n", "be2net: be_main.c" },
	{ "%i-%n", "sfc: efx_channels.c" },
	{ "%v-input.%n", "virtio_net: ../virtio_net.c (virtioM-input.N)" },
	{ "mlx5_comp%n@pci:%b", "mlx5: pci_irq.c; the first completion vector is queue 0" },
	{ "mlx5_comp%n", "mlx5 before 3.19" },
	{ "mana_q%n@pci:%b", "mana: gdma_main.c" },
};

bool nq_irq_queue(const struct nq_pattern_fields *owner, const char *name, uint32_t *ret_queue)
{
	for (size_t i = 0; i < sizeof(patterns) / sizeof(*patterns); i++) {
		uint32_t number = 0; /* of a name without a number */

		if (!nq_pattern_match(patterns[i].pattern, owner, name, &number))
			continue;
		*ret_queue = number;
		return true;
	}
	return false;
}

bool nq_irq_only(const struct nq_pattern_fields *owner, const char *name)
{
	return nq_pattern_match("%i", owner, name, &(uint32_t){ 0 });
}
